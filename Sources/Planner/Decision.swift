import ClusterModel

/// What one turn comes to: printable, comparable, storable.
package struct Decision: Sendable, Equatable {
    /// What must be on disk before the effects that need it; nil: there is no cluster yet.
    package var record: Record?
    package var effects: [Effect] = []
    package var findings: [Finding] = []
    /// What the turn waits for, most important first.
    package var waits: [WaitReason] = []
    /// When to look again if nothing happens before.
    package var wake: Moment?
    package var assessment = Assessment()
    package var check = CheckOutcome()
    /// Of dead masters whose slots do not simply go to the replica that is furthest.
    package var verdicts: [Verdict] = []
    /// Set when the daemon is to end.
    package var end: End?
    /// Effects that were ordered and are not carried out, because they break an invariant; each with what it breaks. Always empty unless a
    /// policy is wrong.
    package var withheld: [String] = []

    package init(record: Record?) { self.record = record }

    package enum End: Sendable, Equatable {
        /// Every node is stopped, or was left running on purpose.
        case done
        /// Nothing was changed; the words say why and what would help. `exit` is 1, 4, 64 or 78 (docs/commands.md).
        case refused(Refusal)
    }
}

/// Why a dead master starts again as master, or who is made master because of its data.
package struct Verdict: Sendable, Hashable {
    package var master: NodeName
    /// nil: the master itself.
    package var candidate: NodeName?
    package var why: String
    /// How far the replica that was passed over is behind what was last seen of the master.
    package var lagBytes: Int64?

    package init(master: NodeName, candidate: NodeName?, why: String, lagBytes: Int64? = nil) {
        self.master = master
        self.candidate = candidate
        self.why = why
        self.lagBytes = lagBytes
    }

    package var sentence: String {
        candidate.map { "\($0) takes over from \(master): \(why)" }
            ?? "\(master) is restarted in place as master: \(why)"
    }
}

/// Something that a person should know, with a stable code, an entry in docs/findings.md, and a next command where one
/// exists.
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
    /// The shard's master, by name.
    package var shard: NodeName?
    package var message: String
    package var hint: String?
    /// What it rests on, line by line: the last lines of a log.
    package var details: [String]
    /// What `fix` would do about it; nil: it is repaired otherwise, or by itself.
    package var repair: Repair?

    package init(
        _ code: ReasonCode, _ severity: Severity, node: NodeName? = nil, shard: NodeName? = nil, _ message: String,
        hint: String? = nil, details: [String] = [], repair: Repair? = nil
    ) {
        self.code = code
        self.severity = severity
        self.node = node
        self.shard = shard
        self.message = message
        self.hint = hint
        self.details = details
        self.repair = repair
    }
}

/// A request that is answered with no, and why. An answer, not a failure.
package struct Refusal: Sendable, Hashable, Error, CustomStringConvertible {
    package var code: ReasonCode
    package var message: String
    package var hint: String?
    package var exit: Int32

    package init(_ code: ReasonCode, _ message: String, hint: String? = nil, exit: Int32) {
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit
    }
    package var description: String { hint.map { "\(message)\n\($0)" } ?? message }
}
