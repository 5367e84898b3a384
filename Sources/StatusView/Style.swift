import ControlAPI

/// Colour, where the terminal has it and the person wants it.
struct Style {
    enum Tone: String { case good = "32", warning = "33", bad = "31", faint = "2", strong = "1" }

    let color: Bool

    func paint(_ text: String, _ tone: Tone?) -> String {
        guard color, let tone, !text.isEmpty else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    static func tone(_ severity: Severity) -> Tone {
        switch severity {
        case .info: .faint
        case .warning: .warning
        case .error: .bad
        }
    }

    static func tone(_ state: StatusDocument.Cluster.State) -> Tone {
        switch state {
        case .ok: .good
        case .degraded: .warning
        case .down: .bad
        }
    }

    static func tone(_ node: NodeDocument) -> Tone {
        switch (node.process, node.health) {
        case (.running, .ok): .good
        case (.running, .loading), (.running, .syncing), (.running, .busy): .warning
        case (.starting, _), (.stopping, _): .warning
        case (.stopped, _): node.wanted == .stopped ? .warning : .bad
        default: .bad
        }
    }
}

/// Numbers and times, short.
package enum Short {
    package static func bytes(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1024: "\(bytes)"
        case ..<(1 << 20): "\(bytes >> 10)K"
        case ..<(1 << 30): tenths(bytes, 1 << 20) + "M"
        case ..<(1 << 40): tenths(bytes, 1 << 30) + "G"
        default: tenths(bytes, 1 << 40) + "T"
        }
    }

    static func count(_ count: Int64) -> String {
        switch count {
        case ..<100_000: "\(count)"
        case ..<1_000_000: "\(count / 1000)k"
        case ..<1_000_000_000: tenths(count, 1_000_000) + "M"
        default: tenths(count, 1_000_000_000) + "G"
        }
    }

    /// `40s`, `12m`, `3h12m`, `5d4h`.
    static func age(since start: Timestamp, at now: Timestamp) -> String {
        let seconds = max(0, (now.time.milliseconds - start.time.milliseconds) / 1000)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h\(seconds % 3600 / 60)m"
        default: return "\(seconds / 86_400)d\(seconds % 86_400 / 3600)h"
        }
    }

    private static func tenths(_ number: Int64, _ unit: Int64) -> String {
        let whole = number / unit
        return whole >= 10 ? "\(whole)" : "\(whole).\(number % unit * 10 / unit)"
    }
}

extension NodeDocument {
    /// In one word.
    package var stateWord: String { process == .running ? health.rawValue : process.rawValue }

    /// `7001`, or `7001@7006` where its port is not the one in its name any more.
    package var label: String { name.text == String(port) ? name.text : "\(name)@\(port)" }
}

/// Words broken into lines no longer than the terminal is wide. A word that is longer alone is not cut: it may be a path.
enum Paragraph {
    static func lines(_ text: String, first: String = "", rest: String = "", width: Int) -> [String] {
        var lines: [String] = []
        var line = first
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = rest
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }
}
