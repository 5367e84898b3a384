import ClusterModel
import Planner
import RESP
import RedisClient

/// CLUSTER MIGRATESLOTS (Valkey 9.0). The engine itself keeps the rule no-early-owner: until the end the source owns the slots and has every
/// key, and the target drops what it has if the source, the target or the connection ends. So an order only starts a migration, or finds the
/// one that an earlier order (or an earlier clusterd) has started, and waits for it.
extension SlotMover {
    private static let pollInterval = Duration.milliseconds(10)
    /// How long the target may take to end a migration whose source has died, and the source to learn the new owner.
    private static let endLimit = Duration.seconds(2)

    func runAtomic() async throws(SlotTrouble) -> MigratedKeys {
        let mine = try await myself(source, order.source, order.sourceID)
        let theirs = try await myself(target, order.target, order.targetID)
        let left = order.slots.subtracting(theirs.slots)
        let reported = try await jobs(at: source)
        let exports = reported.filter { $0.isExport && $0.state == .underWay }
        if let job = exports.first(where: { !$0.slots.intersection(order.slots).isEmpty }) {
            // The engine can only cancel all of them.
            if order.isEnding, exports.allSatisfy({ $0.slots.subtracting(order.slots).isEmpty }) {
                _ = try await send([RESPCommand("CLUSTER", "CANCELSLOTMIGRATIONS")], to: source)
            }
            return try await follow(job.name, left)
        }
        // What a master has left that is no longer the source's; the target ends it as soon as it notices.
        guard try await hasEnded(at: target) else { return result() }
        if left.isEmpty { return try await settle(0) }
        let foreign = left.subtracting(mine.slots)
        guard foreign.isEmpty else { throw SlotTrouble("\(order.source) does not own slots \(foreign)") }
        let stray = try await countKeys(in: left.numbers, at: target)
        guard stray.values.allSatisfy({ $0 == 0 }) else { return result(stray: order.part) }
        if order.isEnding { return try await settle(0) }
        let ranges = left.ranges.flatMap { [String($0.lowerBound), String($0.upperBound)] }
        let command = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"] + ranges + ["NODE", order.targetID.text]
        _ = try await send([RESPCommand(command)], to: source)
        let listed = try await jobs(at: source)
        guard let started = listed.first(where: { $0.isExport && !$0.slots.intersection(left).isEmpty }) else {
            throw SlotTrouble("\(order.source) does not report the migration that it has begun")
        }
        return try await follow(started.name, left)
    }

    // MARK: one migration

    private func follow(_ name: String, _ slots: SlotSet) async throws(SlotTrouble) -> MigratedKeys {
        do throws(SlotTrouble) {
            let counts = try await countKeys(in: slots.numbers, at: source)
            let count = counts.values.reduce(0, +)
            while true {
                let listed = try await jobs(at: source)
                // It falls off the list only long after its end.
                guard let job = listed.first(where: { $0.isExport && $0.name == name }) else {
                    return result()
                }
                switch job.state {
                case .success: return try await settle(count)
                case .cancelled:
                    guard order.isEnding else { throw SlotTrouble("the migration was cancelled at \(order.source)") }
                    return result()
                case .failed:
                    let why = try await reason(job)
                    throw SlotTrouble("\(order.source): \(why)")
                case .underWay: break
                }
                guard ContinuousClock.now < deadline else { return result() }
                try? await Task.sleep(for: Self.pollInterval)
            }
        } catch {
            // A source that dies at the end may have told the target to take over: no replica may take over before that is decided.
            _ = try? await hasEnded(at: target)
            throw error
        }
    }

    /// The target knows more: that it is out of memory, for example.
    private func reason(_ job: SlotJob) async throws(SlotTrouble) -> String {
        let listed = try await jobs(at: target)
        let received = listed.first { !$0.isExport && $0.name == job.name }
        if received?.isOutOfMemory == true { return Self.full(order.target) }
        let words = [job.message, received?.message ?? ""].filter { !$0.isEmpty }
        return words.isEmpty ? "the migration failed" : words.joined(separator: "; at \(order.target): ")
    }

    /// Every slot that has arrived is known as the target's at the source, and a replica of the target has its keys.
    private func settle(_ count: Int64) async throws(SlotTrouble) -> MigratedKeys {
        let limit = ContinuousClock.now + Self.endLimit
        while true {
            let theirs = try await myself(target, order.target, order.targetID)
            let mine = try await myself(source, order.source, order.sourceID)
            if theirs.slots.intersection(mine.slots).intersection(order.slots).isEmpty { break }
            guard ContinuousClock.now < limit else { return result() }
            try? await Task.sleep(for: Self.pollInterval)
        }
        try await awaitWitness()
        return result(count, whole: order.part)
    }

    /// - Returns: false: the target still imports slots of this order after the limit.
    private func hasEnded(at connection: RedisConnection) async throws(SlotTrouble) -> Bool {
        let limit = ContinuousClock.now + Self.endLimit
        while true {
            let listed = try await jobs(at: connection)
            if !listed.contains(where: { $0.state == .underWay && !$0.slots.intersection(order.slots).isEmpty }) {
                return true
            }
            guard ContinuousClock.now < limit else { return false }
            try? await Task.sleep(for: Self.pollInterval)
        }
    }

    private func jobs(at connection: RedisConnection) async throws(SlotTrouble) -> [SlotJob] {
        let answers = try await send([RESPCommand("CLUSTER", "GETSLOTMIGRATIONS")], to: connection)
        guard let jobs = SlotJob.list(answers.first) else {
            throw SlotTrouble("\(name(of: connection)) does not list its slot migrations")
        }
        return jobs
    }

    private func result(_ count: Int64 = 0, whole: Int? = nil, stray: Int? = nil) -> MigratedKeys {
        MigratedKeys(
            keys: count, time: ContinuousClock.now - began, keysPerCall: pace.keysPerCall, whole: whole, stray: stray)
    }
}
