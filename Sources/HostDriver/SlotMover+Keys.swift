import ClusterModel
import Planner
import RESP
import RedisClient

/// MIGRATE and the names that it needs.
extension SlotMover {
    func listing(_ slot: Int) -> RESPCommand {
        RESPCommand("CLUSTER", "GETKEYSINSLOT", String(slot), String(pace.keysPerCall))
    }

    static func names(_ answer: RESPValue?) -> [[UInt8]] {
        (answer?.elements ?? []).compactMap { element in
            guard case .bulk(let name) = element else { return nil }
            return name
        }
    }

    func nextKeys(of slot: Int) async throws(SlotTrouble) -> [[UInt8]] {
        Self.names(try await send([listing(slot)], to: source).first)
    }

    /// - Parameter slot: The slot of which the source lists the next keys after the call; nil: none.
    /// - Returns: The refusal, or nil: the keys are at the target, and no longer at the source.
    mutating func migrate(
        _ names: [[UInt8]], replacing: Bool, thenList slot: Int? = nil
    ) async throws(SlotTrouble) -> (refusal: MigrateRefusal?, rest: [[UInt8]]) {
        while true {
            let head =
                ["MIGRATE", address.host, String(address.port), "", "0", String(order.callLimit.inMilliseconds)]
                + (replacing ? ["REPLACE"] : []) + (logins.first ?? []) + ["KEYS"]
            let command = RESPCommand(bytes: head.map { Array($0.utf8) } + names)
            let answers: [RESPValue]
            do throws(RedisClientError) {
                answers = try await source.pipeline(
                    [command] + (slot.map { [listing($0)] } ?? []), timeout: order.callLimit * 2 + .seconds(2))
            } catch {
                throw SlotTrouble("\(order.source): \(error.description)")
            }
            if let text = answers.dropFirst().first?.errorText { throw SlotTrouble("\(order.source): \(text)") }
            let rest = Self.names(answers.dropFirst().first)
            guard let text = answers.first?.errorText else { return (nil, rest) }
            let refusal = MigrateRefusal(text)
            // An old password may still be valid at the target.
            guard refusal == .loginRefused(text), logins.count > 1 else { return (refusal, rest) }
            logins.removeFirst()
        }
    }
}
