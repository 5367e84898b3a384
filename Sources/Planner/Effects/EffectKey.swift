import ClusterModel

/// Kind, target and incarnation. The driver executes each key once; a failed one may be decided again and counts as an attempt.
package struct EffectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let kind: Kind
    package let node: NodeName?
    /// The process that the effect is meant for: another process with the same pid is another target.
    package let process: ProcessIdentity?
    /// The attempt number, where the same effect is ordered again as a new one.
    package let attempt: Int?
    /// What else distinguishes two orders of one kind; no code reads it.
    private let detail: String

    init(
        _ kind: Kind, _ node: NodeName? = nil, _ process: ProcessIdentity? = nil, attempt: Int? = nil,
        detail: String = ""
    ) {
        self.kind = kind
        self.node = node
        self.process = process
        self.attempt = attempt
        self.detail = detail
    }

    package static func < (a: EffectKey, b: EffectKey) -> Bool { a.description < b.description }

    package var description: String {
        let parts = [
            kind.rawValue, node?.text, process.map { String($0.pid) }, attempt.map { "#\($0)" },
            detail.isEmpty ? nil : detail,
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}

extension Observation {
    /// What was done of this kind to this node, by key.
    package func effects(_ kind: EffectKey.Kind, of node: NodeName) -> [EffectKey: EffectHistory] {
        effects.filter { $0.key.kind == kind && $0.key.node == node }
    }

    package func isUnderWay(_ kind: EffectKey.Kind, of node: NodeName? = nil) -> Bool {
        effects.contains { $0.value.isUnderWay && $0.key.kind == kind && (node == nil || $0.key.node == node) }
    }

    /// Whether this process ended because this daemon ordered it to.
    package func wasAsked(_ node: NodeName, _ process: ProcessIdentity, _ reason: ExitReason) -> Bool {
        func isOrdered(_ kind: EffectKey.Kind) -> Bool {
            effects(kind, of: node).contains { $0.key.process == process && $0.value.failure == nil }
        }
        return switch reason.kind {
        case .killed: isOrdered(.kill)
        // The exit status of a process that another daemon started is not available.
        case .clean, .unknown: isOrdered(.shutdown) || isOrdered(.terminate) || isOrdered(.kill)
        default: false
        }
    }
}
