import ClusterModel
import Planner
import RESP
import RedisClient

/// Commands of the operator, sent by the daemon, which knows the passwords.
extension HostDriver {
    /// Uses a separate connection, because the command may take long, and may leave the connection in any state.
    package func call(
        _ command: RESPCommand, _ contact: Effect.Contact, timeout: Duration
    ) async -> Result<RESPValue, RedisClientError> {
        do throws(RedisClientError) {
            let connection = try await connect(contact, as: .person)
            let answer: RESPValue
            do throws(RedisClientError) {
                answer = try await connection.send(command, timeout: timeout)
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
            return .success(answer)
        } catch {
            return .failure(error)
        }
    }

    /// The credentials for a node; nil: it requires none.
    package var login: (user: String?, password: String)? {
        Self.credentials(spec, of: .person).compactMap { $0 }.first.map { ($0.user, $0.password) }
    }

    package var connectHost: String { spec.connectHost }
    package var enginePath: String { engine.path }
}
