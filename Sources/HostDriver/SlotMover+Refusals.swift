import ClusterModel
import Planner

/// What a target that rejects keys leaves behind.
extension SlotMover {
    /// Closes a slot of which no key has moved. The source stops redirecting first; a key that a client has written at the target by then
    /// keeps the slot open.
    func close(_ slot: Int) async throws(SlotTrouble) {
        guard try await arrived(slot) == 0 else { return }
        try await setSlots([slot], ["STABLE"], at: source)
        guard try await arrived(slot) == 0 else {
            return try await setSlots([slot], ["MIGRATING", order.targetID.text], at: source)
        }
        try await setSlots([slot], ["STABLE"], at: target)
    }

    private func arrived(_ slot: Int) async throws(SlotTrouble) -> Int64 {
        let counts = try await countKeys(in: [slot], at: target)
        return counts[slot] ?? 0
    }

    static func full(_ target: NodeName) -> String {
        "\(target) is full: raise its maxmemory, or cancel the operation and move fewer slots"
    }
}

extension MigrateRefusal {
    func words(_ target: NodeName) -> String {
        switch self {
        case .keyExists: "\(target) has a key of that name already"
        case .targetFull: SlotMover.full(target)
        case .loginRefused(let text), .other(let text): text
        }
    }
}
