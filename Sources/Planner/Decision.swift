import ClusterModel

/// The result of one turn: printable, comparable, storable.
package struct Decision: Sendable, Equatable {
    /// What must be on disk before the effects that depend on it; nil: there is no cluster yet.
    package var record: Record?
    package var effects: [Effect] = []
    package var findings: [Finding] = []
    /// What the turn waits for, most important first.
    package var waits: [WaitReason] = []
    /// When to run the next turn if no event comes first.
    package var wake: Moment?
    package var assessment = Assessment()
    package var check = CheckOutcome()
    /// Verdicts on dead masters whose slots do not simply go to the replica with the highest offset.
    package var verdicts: [Verdict] = []
    /// Set when the daemon must end.
    package var end: End?
    /// Effects that were ordered but withheld because they break an invariant, each with the rule it breaks. Always empty unless a policy
    /// is wrong.
    package var withheld: [String] = []

    package init(record: Record?) { self.record = record }

    package enum End: Sendable, Equatable {
        /// Every node is stopped, or was deliberately left running.
        case done
        /// Nothing was changed; the words say why and what would help. `exit` is 1, 4, 64 or 78 (docs/commands.md).
        case refused(Failure)
    }
}

/// Why a dead master starts again as master, or which node becomes master because of its data.
package struct Verdict: Sendable, Hashable {
    package var master: NodeName
    /// nil: the master itself.
    package var candidate: NodeName?
    package var why: VerdictReason
    /// How far the rejected replica lags behind the last seen offset of the master.
    package var lagBytes: Int64?

    package init(master: NodeName, candidate: NodeName?, why: VerdictReason, lagBytes: Int64? = nil) {
        self.master = master
        self.candidate = candidate
        self.why = why
        self.lagBytes = lagBytes
    }
}

/// A report to the operator, with a stable code, an entry in docs/findings.md, and a next command if there is one.
package struct Finding: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable, Comparable {
        case info, warning, error

        package static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
        private var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    package var code: ReasonCode
    package var severity: Severity
    package var node: NodeName?
    /// The name of the shard's master.
    package var shard: NodeName?
    /// What else distinguishes it. With the same code, node, shard and subject it is the same finding, however its message changes.
    package var about: Condition.Subject?
    package var message: String
    package var hint: String?
    /// The evidence, line by line: for example the last lines of a log.
    package var details: [String]
    /// What `fix` would do about it; nil: it is repaired in another way, or automatically.
    package var repair: Repair?

    package init(
        _ code: ReasonCode, _ severity: Severity, node: NodeName? = nil, shard: NodeName? = nil,
        about: Condition.Subject? = nil, _ message: String, hint: String? = nil, details: [String] = [],
        repair: Repair? = nil
    ) {
        self.code = code
        self.severity = severity
        self.node = node
        self.shard = shard
        self.about = about
        self.message = message
        self.hint = hint
        self.details = details
        self.repair = repair
    }
}

extension Failure {
    /// A request that the planner rejects.
    package init(_ reason: ReasonCode, _ message: String, hint: String? = nil) {
        self.init(reason.rawValue, message, hint: hint)
    }

    /// nil: the error does not come from the planner.
    package var reason: ReasonCode? { ReasonCode(rawValue: code) }
}
