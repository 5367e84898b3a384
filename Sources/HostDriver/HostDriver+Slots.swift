import ClusterModel
import Planner
import RESP
import RedisClient

/// Why a migration did not go on.
struct SlotTrouble: Error {
    /// In the engine's words.
    var words: String

    init(_ words: String) { self.words = words }
}

/// Moves slots between two masters.
extension HostDriver {
    /// Uses its own connections: MIGRATE blocks the source, SETSLOT of Valkey waits for replicas, and polls must not wait behind either.
    func migrate(
        _ order: Effect.SlotMigration, _ from: Effect.Contact, _ to: Effect.Contact, isReturn: Bool = false
    ) async -> Outcome {
        let loop = group.next()
        return await withTaskExecutorPreference(EventLoopExecutor(loop)) {
            await migrate(order, from, to, isReturn: isReturn, on: loop)
        }
    }

    private func migrate(
        _ order: Effect.SlotMigration, _ from: Effect.Contact, _ to: Effect.Contact, isReturn: Bool,
        on loop: ConnectionLoops
    ) async -> Outcome {
        var opened: [RedisConnection] = []
        let outcome: Outcome
        do throws(SlotTrouble) {
            let source = try await separateConnection(order.source, from, loop)
            opened.append(source)
            let target = try await separateConnection(order.target, to, loop)
            opened.append(target)
            var witnesses: [RedisConnection] = []
            for witness in order.witnesses {
                let connection = try await separateConnection(witness.node, witness.contact, loop)
                opened.append(connection)
                witnesses.append(connection)
            }
            var mover = SlotMover(
                order, source: source, target: target, witnesses: witnesses, address: (to.host, to.port),
                logins: Self.credentials(spec).map(SlotMover.login))
            if isReturn {
                let moved = try await mover.giveBack()
                outcome = moved.map { Outcome.migrated($0) } ?? .done
            } else {
                switch order.way {
                case .keys: outcome = .migrated(try await mover.run())
                case .atomic: outcome = .migrated(try await mover.runAtomic())
                }
            }
        } catch {
            outcome = .failed(error.words)
        }
        for connection in opened { await connection.close() }
        return outcome
    }

    private func separateConnection(
        _ node: NodeName, _ contact: Effect.Contact, _ loop: ConnectionLoops
    ) async throws(SlotTrouble) -> RedisConnection {
        do throws(RedisClientError) {
            return try await connect(contact, on: loop)
        } catch {
            throw SlotTrouble("\(node): \(error.description)")
        }
    }
}
