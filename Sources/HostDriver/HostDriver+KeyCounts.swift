import ClusterModel
import Planner
import RESP
import RedisClient

/// Counts keys by slot.
extension HostDriver {
    /// For one pipeline: the engine counts these within a millisecond, so clients do not notice.
    private static let slotsAtOnce = 512

    /// Uses a separate connection, because polls must not wait behind it.
    func countKeys(_ contact: Effect.Contact, _ slots: SlotSet) async -> Outcome {
        do throws(RedisClientError) {
            let connection = try await connect(contact)
            let outcome = await countKeys(connection, slots)
            await connection.close()
            return outcome
        } catch {
            return .failed(error.description)
        }
    }

    private func countKeys(_ connection: RedisConnection, _ slots: SlotSet) async -> Outcome {
        do throws(RedisClientError) {
            let info = try await connection.send(RESPCommand("INFO", "keyspace"), timeout: Self.commandLimit)
            guard let text = info.text else { return .failed(info.errorText ?? "it does not report its keys") }
            let others = InfoReply(text).keysOfDatabases.keys.filter { $0 != 0 }.sorted()
            var keys: [Int: Int64] = [:]
            var left = slots
            while !left.isEmpty {
                let part = left.first(Self.slotsAtOnce)
                left = left.subtracting(part)
                let answers = try await connection.pipeline(
                    NodeQuestion.counts(of: part.numbers, otherDatabases: others), timeout: Self.commandLimit)
                guard let counts = NodeQuestion.keys(of: part.numbers, in: answers) else {
                    return .failed(answers.lazy.compactMap(\.errorText).first ?? "it does not count its keys")
                }
                for (slot, count) in counts where count > 0 { keys[slot] = count }
            }
            return .counted(keys)
        } catch {
            return .failed(error.description)
        }
    }
}
