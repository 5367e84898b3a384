import ClusterModel
import Planner
import RESP
import RedisClient

/// One migration in progress. The order of its commands keeps the rule no-early-owner: the target imports before the source migrates; the
/// target becomes the owner only when the source has no key of the slot; and the source learns it after the target. Killed between any two
/// commands, it leaves a slot that the next one finishes.
struct SlotMover {
    let order: Effect.SlotMigration
    let source: RedisConnection
    let target: RedisConnection
    let witnesses: [RedisConnection]
    let address: (host: String, port: Int)
    /// The words with which the source may log in to the target, the likely ones first.
    var logins: [[String]]
    let deadline: ContinuousClock.Instant
    let began: ContinuousClock.Instant
    var pace: MigrationPace
    var keys: Int64 = 0
    /// The slots of the present group.
    var opened: [Int] = []

    /// How long a replica of the target may take to receive the keys.
    static let witnessLimit = Duration.seconds(2)

    init(
        _ order: Effect.SlotMigration, source: RedisConnection, target: RedisConnection, witnesses: [RedisConnection],
        address: (host: String, port: Int), logins: [[String]]
    ) {
        self.order = order
        self.source = source
        self.target = target
        self.witnesses = witnesses
        self.address = address
        self.logins = logins
        began = .now
        deadline = began + order.budget
        pace = MigrationPace(keysPerCall: order.keysPerCall)
    }

    static func login(_ credentials: RedisCredentials?) -> [String] {
        guard let credentials else { return [] }
        return credentials.user.map { ["AUTH2", $0, credentials.password] } ?? ["AUTH", credentials.password]
    }

    mutating func run() async throws(SlotTrouble) -> MigratedKeys {
        var left = try await finishMoved()
        if order.isEnding { left = try await halves(of: left) }
        let counts = try await countKeys(in: left, at: source)
        // A full target rejects keys: what has no key left, or none yet, does not wait for that.
        let empty = left.filter { counts[$0, default: 0] == 0 }
        let others = left.filter { counts[$0, default: 0] > 0 }
        var isWhole = try await moveGroups(of: empty, counts)
        if isWhole { isWhole = try await moveGroups(of: others, counts) }
        return MigratedKeys(
            keys: keys, time: ContinuousClock.now - began, keysPerCall: pace.keysPerCall,
            whole: isWhole ? order.part : nil)
    }

    // MARK: what the nodes say

    /// Compares the nodes with the order, and closes the slots that the target owns already.
    /// - Returns: the slots that the source still owns.
    private func finishMoved() async throws(SlotTrouble) -> [Int] {
        let mine = try await view(of: source, order.source, order.sourceID).myself
        let (known, theirs) = try await view(of: target, order.target, order.targetID)
        let arrived = order.slots.intersection(theirs.slots)
        let left = order.slots.subtracting(arrived)
        let foreign = left.subtracting(mine.slots)
        guard foreign.isEmpty else { throw SlotTrouble("\(order.source) does not own slots \(foreign)") }
        // No claim of another node changes a slot that a node imports. If the source is new, and its predecessor is a replica now, the
        // target attributes the slot to no node, rejects its keys, and serves no slot at all (cluster_state:fail).
        let owned = known.entries.reduce(SlotSet()) { $0.union($1.slots) }
        try await setSlots(left.subtracting(owned).numbers, ["NODE", order.sourceID.text], at: target)
        // The engine refuses this at the source if it still has a key.
        try await setSlots(arrived.intersection(mine.slots).numbers, ["NODE", order.targetID.text], at: source)
        let stale = mine.migrating.map(\.slot).filter { arrived.contains($0) && !mine.slots.contains($0) }
        try await setSlots(stale, ["STABLE"], at: source)
        let imported = theirs.importing.map(\.slot).filter { arrived.contains($0) }
        try await setSlots(imported, ["STABLE"], at: target)
        return left.numbers
    }

    /// The slots that are open, or of which the target has keys that the source does not know of: a master that took over may have
    /// forgotten that they were open.
    private func halves(of slots: [Int]) async throws(SlotTrouble) -> [Int] {
        let mine = try await myself(source, order.source, order.sourceID)
        let theirs = try await myself(target, order.target, order.targetID)
        let open = Set((mine.migrating + theirs.importing).map(\.slot))
        let arrived = try await countKeys(in: slots, at: target)
        return slots.filter { open.contains($0) || arrived[$0, default: 0] > 0 }
    }

    func myself(
        _ connection: RedisConnection, _ node: NodeName, _ id: NodeID
    ) async throws(SlotTrouble) -> NodeEntry { try await view(of: connection, node, id).myself }

    func view(
        of connection: RedisConnection, _ node: NodeName, _ id: NodeID
    ) async throws(SlotTrouble) -> (known: NodesView, myself: NodeEntry) {
        let answers = try await send([RESPCommand("CLUSTER", "NODES")], to: connection)
        guard let known = answers.first?.text.map({ NodesView.parse($0) }), let myself = known.myself, myself.id == id
        else {
            throw SlotTrouble("\(node) answers as another node")
        }
        guard myself.flags.contains(.master) else { throw SlotTrouble("\(node) is no master") }
        return (known, myself)
    }

    /// The keys of these slots in every database: the engine deletes what remains of a slot in any of them.
    func countKeys(in slots: [Int], at connection: RedisConnection) async throws(SlotTrouble) -> [Int: Int64] {
        guard !slots.isEmpty else { return [:] }
        let plain = NodeQuestion.counts(of: slots, otherDatabases: [])
        var answers = try await send([RESPCommand("INFO", "keyspace")] + plain, to: connection)
        guard let text = answers.first?.text else {
            throw SlotTrouble("\(name(of: connection)) does not report its keys")
        }
        let others = InfoReply(text).keysOfDatabases.keys.filter { $0 != 0 }.sorted()
        if others.isEmpty {
            answers.removeFirst()
        } else {
            answers = try await send(NodeQuestion.counts(of: slots, otherDatabases: others), to: connection)
        }
        guard let counts = NodeQuestion.keys(of: slots, in: answers) else {
            throw SlotTrouble("\(name(of: connection)) does not count its keys")
        }
        return counts
    }

    /// MIGRATE has deleted the keys at the source, and replication is asynchronous: before the target owns the slots, a replica of it has
    /// what the target has now.
    func awaitWitness() async throws(SlotTrouble) {
        guard !witnesses.isEmpty else { return }
        let wanted = try await offset(of: target, "master_repl_offset")
        let limit = ContinuousClock.now + Self.witnessLimit
        while ContinuousClock.now < limit {
            for witness in witnesses {
                if try await offset(of: witness, "slave_repl_offset") >= wanted { return }
            }
            try? await Task.sleep(for: .milliseconds(2))
        }
        throw SlotTrouble("no replica of \(order.target) has received the keys within \(Self.witnessLimit.inWords)")
    }

    private func offset(of connection: RedisConnection, _ field: String) async throws(SlotTrouble) -> Int64 {
        let answers = try await send([RESPCommand("INFO", "replication")], to: connection)
        return answers.first?.text.flatMap { InfoReply($0).integer(field) } ?? 0
    }

    // MARK: commands

    func setSlots(_ slots: [Int], _ words: [String], at connection: RedisConnection) async throws(SlotTrouble) {
        guard !slots.isEmpty else { return }
        let commands = slots.map { RESPCommand(["CLUSTER", "SETSLOT", String($0)] + words) }
        _ = try await send(commands, to: connection, within: HostDriver.slotLimit * 2)
    }

    /// An error reply ends the migration.
    func send(
        _ commands: [RESPCommand], to connection: RedisConnection, within limit: Duration = HostDriver.commandLimit
    ) async throws(SlotTrouble) -> [RESPValue] {
        let answers: [RESPValue]
        do throws(RedisClientError) {
            answers = try await connection.pipeline(commands, timeout: limit)
        } catch {
            throw SlotTrouble("\(name(of: connection)): \(error.description)")
        }
        if let words = answers.lazy.compactMap(\.errorText).first {
            throw SlotTrouble("\(name(of: connection)): \(words)")
        }
        return answers
    }

    func name(of connection: RedisConnection) -> String {
        if connection === source { return order.source.text }
        return connection === target ? order.target.text : "a replica of \(order.target)"
    }
}
