import ClusterModel
import Planner

/// One `migrateSlots` under way: the commands of `SlotMover` (HostDriver), one after the other, to the processes that it has connected to.
struct Migration {
    enum Step {
        /// CLUSTER NODES of the source.
        case look
        /// What has arrived is closed, at the source and at the target.
        case close
        case importing
        case migrating
        /// The next keys of the source.
        case keys
        /// MIGRATE: the target has restored the keys.
        case restore([Int])
        /// MIGRATE: the source deletes them. Nothing but the end of the source's process prevents that.
        case delete([Int])
        /// The target reads a RESTORE from its socket after the source has given up.
        case lateRestore([Int: Int])
        case count
        case witness
        case give
        case tell
    }

    /// Planted in the driver by a test.
    enum Bug {
        case noWitness, sourceFirst
    }

    /// One MIGRATE moves so many: few, so that there are many steps at which something can happen.
    static let keysPerCall = 2

    let effect: Effect
    let order: Effect.SlotMigration
    let source: Int32
    let target: Int32
    let witnesses: [Int32]
    /// The daemon that it belongs to.
    let generation: Int
    let began: Moment
    var step = Step.look
    /// The slots that are opened together, the present ones first.
    var groups: [[Int]] = []
    var isReplacing = false
    var moved: Int64 = 0
    /// Where the last RESTORE is in the target's stream.
    var restored: Copy?
    /// What a replica of the target must have, and until when.
    var wanted: Copy?
    var witnessLimit: Moment?
    /// The command is in the node's socket: it is carried out even if clusterd is gone, or waits no longer.
    var isSent = false
    var hasGivenUp = false

    init(
        effect: Effect, order: Effect.SlotMigration, source: Int32, target: Int32, witnesses: [Int32], generation: Int,
        began: Moment
    ) {
        self.effect = effect
        self.order = order
        self.source = source
        self.target = target
        self.witnesses = witnesses
        self.generation = generation
        self.began = began
    }

    var slots: [Int] { groups.first ?? [] }

    /// The process that carries out the next command.
    var addressee: Int32 {
        switch step {
        case .look, .migrating, .keys, .restore, .delete, .count, .tell: source
        case .close, .importing, .lateRestore, .witness, .give: target
        }
    }

    /// The part that is left, in groups that one call can empty.
    static func groups(_ slots: [Int], keys count: (Int) -> Int) -> [[Int]] {
        var groups: [[Int]] = []
        var sum = 0
        for slot in slots {
            let keys = count(slot)
            if let last = groups.indices.last, sum + keys <= keysPerCall {
                groups[last].append(slot)
                sum += keys
            } else {
                groups.append([slot])
                sum = keys
            }
        }
        return groups
    }
}
