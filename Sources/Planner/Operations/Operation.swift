import ClusterModel

/// A request of the operator that takes time. A value in the record, advanced by `decide` like everything else, so that it survives the
/// client and the daemon.
package struct Operation: Sendable, Equatable, Codable {
    package var id: Int
    package var kind: Kind
    package var state = State.queued
    package var steps: [Step] = []
    package var startedAt: WallTime
    package var endedAt: WallTime?
    package var failure: OperationFailure?
    /// The client's key for this request, so that asking twice is asking once.
    package var idempotencyKey: String?
    /// When the operation and its last step began. Limits are measured by these: the wall clock of the steps can be set.
    package var begun: Stamp?
    package var stepBegun: Stamp?

    package init(id: Int, kind: Kind, startedAt: WallTime, idempotencyKey: String?) {
        self.id = id
        self.kind = kind
        self.startedAt = startedAt
        self.idempotencyKey = idempotencyKey
    }

    private enum CodingKeys: CodingKey {
        case id, kind, state, steps, startedAt, endedAt, failure, idempotencyKey, begun, stepBegun
    }

    private enum OldKeys: CodingKey { case error }

    /// Also for a record of schema 1 or 2, which has the words of a failure alone.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(Int.self, forKey: .id)
        kind = try values.decode(Kind.self, forKey: .kind)
        state = try values.decode(State.self, forKey: .state)
        steps = try values.decode([Step].self, forKey: .steps)
        startedAt = try values.decode(WallTime.self, forKey: .startedAt)
        endedAt = try values.decodeIfPresent(WallTime.self, forKey: .endedAt)
        idempotencyKey = try values.decodeIfPresent(String.self, forKey: .idempotencyKey)
        begun = try values.decodeIfPresent(Stamp.self, forKey: .begun)
        stepBegun = try values.decodeIfPresent(Stamp.self, forKey: .stepBegun)
        failure = try values.decodeIfPresent(OperationFailure.self, forKey: .failure)
        let old = try decoder.container(keyedBy: OldKeys.self)
        if let words = try old.decodeIfPresent(String.self, forKey: .error) { failure = .told(words) }
    }

    package enum Kind: Sendable, Equatable, Codable {
        case restartNode(RestartNode)
        case startNode(StartNode)
        case stopNode(StopNode)
        case failover(Failover)
        case rollingRestart(RollingRestart)
        case fix(Fix)
        case backup(Backup)
        case reshard(Reshard)
        case change(Change)
        /// These two are done as soon as they are in the record; they are kept as requested.
        case pause(Pause)
        case resume
    }

    package enum State: String, Sendable, Codable { case queued, running, done, failed, cancelled }

    package struct Step: Sendable, Equatable, Codable {
        package var step: OperationStep
        package var at: WallTime
        package var state: State

        package init(_ step: OperationStep, at: WallTime, state: State) {
            self.step = step
            self.at = at
            self.state = state
        }

        private enum CodingKeys: CodingKey { case step, at, state, text }

        /// Also for a record of schema 1, which has the words alone.
        package init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            if let words = try values.decodeIfPresent(String.self, forKey: .text) {
                step = .told(words)
            } else {
                step = try values.decode(OperationStep.self, forKey: .step)
            }
            at = try values.decode(WallTime.self, forKey: .at)
            state = try values.decode(State.self, forKey: .state)
        }

        package func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(step, forKey: .step)
            try values.encode(at, forKey: .at)
            try values.encode(state, forKey: .state)
        }
    }

    /// A moment with the boot that it belongs to: on another boot it is meaningless.
    package struct Stamp: Sendable, Equatable, Codable {
        package var bootID: String
        package var at: Moment

        package init(bootID: String, at: Moment) {
            self.bootID = bootID
            self.at = at
        }
    }

    package struct RestartNode: Sendable, Equatable, Codable {
        package var node: NodeName
        /// The process that is to be replaced: done when *that one* is gone. nil: none ran.
        package var replaces: ProcessIdentity?
        package var noFailover: Bool
        package var restoreRoles: Bool
        package var force: Bool
        /// Whether it was master when this was requested: if roles are restored, it becomes master again.
        package var wasMaster: Bool
        /// The replica that took over from it.
        package var successor: NodeName?

        package init(
            node: NodeName, replaces: ProcessIdentity?, noFailover: Bool = false, restoreRoles: Bool = false,
            force: Bool = false, wasMaster: Bool
        ) {
            self.node = node
            self.replaces = replaces
            self.noFailover = noFailover
            self.restoreRoles = restoreRoles
            self.force = force
            self.wasMaster = wasMaster
        }
    }

    package struct StartNode: Sendable, Equatable, Codable {
        package var node: NodeName
        /// The last process that ended here, if its end was seen.
        package var replaces: ProcessIdentity?

        package init(node: NodeName, replaces: ProcessIdentity?) {
            self.node = node
            self.replaces = replaces
        }
    }

    package struct StopNode: Sendable, Equatable, Codable {
        package var node: NodeName
        package var noFailover: Bool
        package var force: Bool
        package var successor: NodeName?

        package init(node: NodeName, noFailover: Bool, force: Bool) {
            self.node = node
            self.noFailover = noFailover
            self.force = force
        }
    }

    package struct Failover: Sendable, Equatable, Codable {
        /// The master that is to be replaced: done when it is no longer master, at this epoch or a later one.
        package var master: NodeName
        package var epoch: UInt64
        /// The node that becomes master; nil: the replica that has most of its data.
        package var replica: NodeName?
        /// Whether a master that does not, or cannot, hand over is stopped.
        package var force: Bool
        /// That master's process, which `force` may end.
        package var replaces: ProcessIdentity?
        package var successor: NodeName?
        /// Whether clusterd itself ordered it (`supervision.failback`); nil: no.
        package var isFailback: Bool?

        package init(
            master: NodeName, epoch: UInt64, replica: NodeName?, force: Bool, replaces: ProcessIdentity?
        ) {
            self.master = master
            self.epoch = epoch
            self.replica = replica
            self.force = force
            self.replaces = replaces
        }
    }

    package struct RollingRestart: Sendable, Equatable, Codable {
        /// Those that are still to be restarted, each with the process that is to be replaced.
        package var remaining: [Target]
        package var count: Int
        package var restoreRoles: Bool
        package var force: Bool
        package var current: RestartNode?
        /// Whether it restarts one replica only; nil: no.
        package var canary: Bool?

        package struct Target: Sendable, Equatable, Codable {
            package var node: NodeName
            package var replaces: ProcessIdentity

            package init(node: NodeName, replaces: ProcessIdentity) {
                self.node = node
                self.replaces = replaces
            }
        }

        package init(targets: [Target], restoreRoles: Bool, force: Bool, canary: Bool? = nil) {
            self.canary = canary
            remaining = targets
            count = targets.count
            self.restoreRoles = restoreRoles
            self.force = force
        }
    }
}

extension Operation {
    package var isOpen: Bool { state == .queued || state == .running }

    /// The command that asked for it.
    package var name: String {
        switch kind {
        case .restartNode: "restart-node"
        case .startNode: "start-node"
        case .stopNode: "stop-node"
        case .failover: "failover"
        case .rollingRestart: "rolling-restart"
        case .fix: "fix"
        case .backup: "backup"
        case .reshard(let reshard): reshard.isRebalance ? "rebalance" : "reshard"
        case .change(let change): change.request.rawValue
        case .pause: "pause"
        case .resume: "resume"
        }
    }

    /// The only node that it is about; nil if there is none or several.
    package var node: NodeName? {
        switch kind {
        case .restartNode(let restart): restart.node
        case .startNode(let start): start.node
        case .stopNode(let stop): stop.node
        case .failover(let failover): failover.replica ?? failover.successor ?? failover.master
        case .fix(let fix): fix.remaining.count == 1 ? fix.remaining[0].node : nil
        case .change(let change): change.node
        case .rollingRestart, .reshard, .backup, .pause, .resume: nil
        }
    }

    /// `restart-node 7002`, as the operator types it.
    package var title: String { node.map { "\(name) \($0)" } ?? name }

    package var currentStep: OperationStep? { steps.last?.step }

    /// Why it failed, in words.
    package var error: String? { failure?.words }

    /// The parts that each have the time limit of one node.
    package var nodeCount: Int {
        switch kind {
        case .rollingRestart(let rolling): max(1, rolling.count)
        case .fix(let fix): max(1, fix.ids.count)
        case .backup(let backup): max(1, backup.attempt?.shards.count ?? 1)
        case .reshard(let reshard): max(1, reshard.slots.count)
        case .change(let change): change.count + change.moves.reduce(0) { $0 + $1.slots.count }
        default: 1
        }
    }

    /// Only one operation at a time takes anything down or changes a role; the others are queued.
    package var isExclusive: Bool {
        switch kind {
        case .startNode, .pause, .resume: false
        case .restartNode, .stopNode, .failover, .rollingRestart, .fix, .reshard, .change, .backup: true
        }
    }

    /// The restart that it carries out now.
    private var restart: RestartNode? {
        switch kind {
        case .restartNode(let restart): restart
        case .rollingRestart(let rolling): rolling.current
        default: nil
        }
    }

    /// Whether it waits for this node's start: then the start waits for nothing else.
    package func starts(_ node: NodeName) -> Bool {
        guard state == .running else { return false }
        switch kind {
        case .startNode(let start): return start.node == node
        case .stopNode(let stop): return stop.node == node
        case .fix(let fix): return fix.starts(node)
        case .change(let change): return change.starts(node)
        default: return restart?.node == node
        }
    }

    /// Whether the operator wants this master to keep its role although its process ends.
    package func keepsRole(of node: NodeName) -> Bool {
        guard state == .running else { return false }
        if case .stopNode(let stop) = kind { return stop.node == node && stop.noFailover }
        return restart.map { $0.node == node && ($0.noFailover || $0.force) } ?? false
    }

    /// Whether it may end this node's process.
    package func ends(_ node: NodeName) -> Bool {
        guard state == .running else { return false }
        switch kind {
        case .stopNode(let stop): return stop.node == node
        case .failover(let failover): return failover.master == node && failover.force
        case .fix(let fix): return fix.ends(node)
        case .change(let change): return change.ends(node)
        default: return restart?.node == node
        }
    }

    /// Whether the operator accepted that slots, or a second node of its shard, go down with this node.
    package func accepts(_ node: NodeName) -> Bool {
        guard ends(node) else { return false }
        switch kind {
        case .stopNode(let stop): return stop.noFailover || stop.force
        case .failover(let failover): return failover.force
        case .fix, .change: return true
        default: return restart.map { $0.noFailover || $0.force } ?? false
        }
    }
}
