import ControlAPI

/// States in a word and a colour: green is as it should be, yellow will pass or was asked for, red needs somebody.
extension NodeDocument {
    /// In one word.
    package var stateWord: String { process == .running ? health.rawValue : process.rawValue }

    var tone: Tone {
        switch (process, health) {
        case (.running, .ok): .good
        case (.running, .loading), (.running, .syncing), (.running, .busy): .warning
        case (.starting, _), (.stopping, _): .warning
        case (.stopped, _): wanted == .stopped ? .warning : .bad
        default: .bad
        }
    }

    /// `7001`, or `7001@7006` where its port is not the one in its name any more.
    package var label: String { name.text == String(port) ? name.text : "\(name)@\(port)" }
}

extension StatusDocument.Cluster.State {
    var tone: Tone {
        switch self {
        case .ok: .good
        case .degraded: .warning
        case .down: .bad
        }
    }
}

extension Severity {
    var tone: Tone {
        switch self {
        case .info: .faint
        case .warning: .warning
        case .error: .bad
        }
    }

    var rank: Int {
        switch self {
        case .info: 0
        case .warning: 1
        case .error: 2
        }
    }
}
