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
    private let witnesses: [RedisConnection]
    private let address: (host: String, port: Int)
    /// The words with which the source may log in to the target, the likely ones first.
    private var logins: [[String]]
    let deadline: ContinuousClock.Instant
    let began: ContinuousClock.Instant
    var keysPerCall: Int
    var keys: Int64 = 0
    private var opened: [Int] = []
    /// The time for which the source was blocked since the last pause.
    private var owed = Duration.zero

    /// A call that blocks the source longer than this moves fewer keys the next time.
    static let callTime = Duration.milliseconds(5)
    static let keysAtMost = 100
    static let shortestPause = Duration.milliseconds(2)
    static let longestPause = Duration.milliseconds(20)
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
        keysPerCall = max(1, min(order.keysPerCall, Self.keysAtMost))
    }

    static func login(_ credentials: RedisCredentials?) -> [String] {
        guard let credentials else { return [] }
        return credentials.user.map { ["AUTH2", $0, credentials.password] } ?? ["AUTH", credentials.password]
    }

    mutating func run() async throws(SlotTrouble) -> MigratedKeys {
        var left = try await finishMoved()
        if order.isEnding { left = try await halves(of: left) }
        let counts = try await countKeys(in: left, at: source)
        var isWhole = true
        // A full target rejects keys: what has no key left, or none yet, does not wait for that.
        let empty = left.filter { counts[$0, default: 0] == 0 }
        let others = left.filter { counts[$0, default: 0] > 0 }
        for group in (empty.isEmpty ? [] : [empty]) + groups(others, counts) {
            guard ContinuousClock.now < deadline, try await move(group) else {
                isWhole = false
                break
            }
        }
        return MigratedKeys(
            keys: keys, time: ContinuousClock.now - began, keysPerCall: keysPerCall, whole: isWhole ? order.part : nil)
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
        let info = try await send([RESPCommand("INFO", "keyspace")], to: connection)
        guard let text = info.first?.text else { throw SlotTrouble("\(name(of: connection)) does not report its keys") }
        let others = InfoReply(text).keysOfDatabases.keys.filter { $0 != 0 }.sorted()
        let answers = try await send(NodeQuestion.counts(of: slots, otherDatabases: others), to: connection)
        guard let counts = NodeQuestion.keys(of: slots, in: answers) else {
            throw SlotTrouble("\(name(of: connection)) does not count its keys")
        }
        return counts
    }

    /// Slots that are opened together: as many as one call can empty, so that few keys are between two nodes at a time.
    private func groups(_ slots: [Int], _ counts: [Int: Int64]) -> [[Int]] {
        var groups: [[Int]] = []
        var sum: Int64 = 0
        for slot in slots {
            let count = counts[slot] ?? 0
            if let last = groups.indices.last, sum + count <= Int64(keysPerCall) {
                groups[last].append(slot)
                sum += count
            } else {
                groups.append([slot])
                sum = count
            }
        }
        return groups
    }

    // MARK: one group

    /// - Returns: false: the time is over, and slots of the group are half moved.
    private mutating func move(_ slots: [Int]) async throws(SlotTrouble) -> Bool {
        opened = slots
        try await setSlots(slots, ["IMPORTING", order.sourceID.text], at: target)
        try await setSlots(slots, ["MIGRATING", order.targetID.text], at: source)
        guard try await moveKeys(of: slots) else { return false }
        // A slot that is migrating gets no new keys: what is counted as empty stays empty.
        let rest = try await countKeys(in: slots, at: source)
        guard rest.values.allSatisfy({ $0 == 0 }) else {
            throw SlotTrouble("\(order.source) still has keys of these slots outside database 0")
        }
        try await awaitWitness()
        try await setSlots(slots, ["NODE", order.targetID.text], at: target)
        try await setSlots(slots, ["NODE", order.targetID.text], at: source)
        return true
    }

    /// Slot by slot: the engine refuses a MIGRATE with keys of several slots (CROSSSLOT).
    /// - Returns: false: the time is over.
    private mutating func moveKeys(of slots: [Int]) async throws(SlotTrouble) -> Bool {
        for slot in slots {
            guard try await moveKeys(of: slot) else { return false }
        }
        return true
    }

    private mutating func moveKeys(of slot: Int) async throws(SlotTrouble) -> Bool {
        var isReplacing = false
        while true {
            let batch = try await nextKeys(of: slot)
            if batch.isEmpty { return true }
            guard ContinuousClock.now < deadline else { return false }
            let start = ContinuousClock.now
            let refusal = try await migrate(batch, replacing: isReplacing)
            let took = ContinuousClock.now - start
            if refusal == .keyExists, !isReplacing {
                // A copy of an interrupted call, or of a write to a slot whose state a failover had reset. The source owns the slot and
                // still has the key, so the source's key counts (docs/resharding.md).
                isReplacing = true
                continue
            }
            if refusal == .targetFull {
                for slot in opened { try await close(slot) }
            }
            if let refusal { throw SlotTrouble(refusal.words(order.target)) }
            keys += Int64(batch.count)
            adapt(to: took)
            await giveWay(after: took)
        }
    }

    /// Clients of the source get as much time as the calls took from them.
    mutating func giveWay(after took: Duration) async {
        owed += took
        guard owed >= Self.shortestPause else { return }
        try? await Task.sleep(for: min(owed, Self.longestPause))
        owed = .zero
    }

    func nextKeys(of slot: Int) async throws(SlotTrouble) -> [[UInt8]] {
        let question = RESPCommand("CLUSTER", "GETKEYSINSLOT", String(slot), String(keysPerCall))
        let answers = try await send([question], to: source)
        var names: [[UInt8]] = []
        for element in answers.first?.elements ?? [] {
            if case .bulk(let name) = element { names.append(name) }
        }
        return names
    }

    mutating func adapt(to took: Duration) {
        if took > Self.callTime {
            keysPerCall = max(1, keysPerCall / 2)
        } else if took < Self.callTime / 2 {
            keysPerCall = min(Self.keysAtMost, keysPerCall * 2)
        }
    }

    /// nil: the keys are at the target, and no longer at the source.
    mutating func migrate(_ names: [[UInt8]], replacing: Bool) async throws(SlotTrouble) -> MigrateRefusal? {
        let milliseconds =
            order.callLimit.components.seconds * 1000
            + order.callLimit.components.attoseconds / 1_000_000_000_000_000
        while true {
            let login = logins.first ?? []
            let head =
                ["MIGRATE", address.host, String(address.port), "", "0", String(milliseconds)]
                + (replacing ? ["REPLACE"] : []) + login + ["KEYS"]
            let command = RESPCommand(bytes: head.map { Array($0.utf8) } + names)
            let answer: RESPValue
            do throws(RedisClientError) {
                answer = try await source.send(command, timeout: order.callLimit * 2 + .seconds(2))
            } catch {
                throw SlotTrouble("\(order.source): \(error.description)")
            }
            guard let text = answer.errorText else { return nil }
            let refusal = MigrateRefusal(text)
            // An old password may still be valid at the target.
            guard refusal == .loginRefused(text), logins.count > 1 else { return refusal }
            logins.removeFirst()
        }
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
