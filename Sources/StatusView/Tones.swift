import ControlAPI

/// States as a word and a colour: green is healthy, yellow is temporary or requested, red needs the operator.
extension NodeDocument {
    /// The state in one word.
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

    /// `7001`, or `7001@7006` if its port differs from its name.
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
