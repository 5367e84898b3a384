import ClusterModel
import Glibc
import NodeFiles
import Planner
import RESP
import RedisClient

/// Identifies a version of a file, to detect that it was replaced or changed.
package struct FileStamp: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Int64

    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
}

/// Infrequent queries.
extension HostDriver {
    /// Sends one CONFIG GET for each directive, because it accepts only one name before Redis 7.0, and omits directives that the
    /// engine does not know. Also runs a script that reads the same values as the promotion and changes nothing. Uses a new
    /// connection: an old one does not show whether the next one would be accepted.
    func askSettings(_ node: NodeName, _ contact: Effect.Contact, _ names: [String]) async -> Outcome {
        let commands = names.map { RESPCommand("CONFIG", "GET", $0) } + [RESPCommand("EVAL", Self.trialScript, "0")]
        var refusal: String?
        do throws(RedisClientError) {
            let connection = try await connect(contact)
            let answers = try? await connection.pipeline(commands, timeout: Self.answerLimit)
            await connection.close()
            if let answers {
                guard let words = Self.error(names, answers) else { return Self.settings(names, answers) }
                if EngineErrorReply(words) == .loginRefused { refusal = words }
            }
        } catch {
            if case .authentication(let words) = error { refusal = words }
        }
        do {
            let answers = try await connection(node, contact).pipeline(commands, timeout: Self.answerLimit)
            guard let words = Self.error(names, answers) else {
                return Self.settings(names, answers, loginRefused: refusal)
            }
            return refusal.map { .settings([:], loginRefused: $0) } ?? .failed(words)
        } catch {
            return refusal.map { .settings([:], loginRefused: $0) } ?? .failed(error.description)
        }
    }

    private static func error(_ names: [String], _ answers: [RESPValue]) -> String? {
        answers.prefix(names.count).lazy.compactMap(\.errorText).first
    }

    private static func settings(
        _ names: [String], _ answers: [RESPValue], loginRefused: String? = nil
    ) -> Outcome {
        var values: [String: String] = [:]
        for (name, answer) in zip(names, answers) {
            if let elements = answer.elements, elements.count == 2, let value = elements[1].text {
                values[name] = value
            }
        }
        let trial = answers.last?.errorText.flatMap { isPassing($0) ? nil : $0 }
        return .settings(values, loginRefused: loginRefused, scriptRefused: trial)
    }

    private static let trialScript = """
        redis.call('INFO', 'replication')
        redis.call('CLUSTER', 'NODES')
        redis.call('CLUSTER', 'INFO')
        redis.call('TIME')
        return 1
        """

    /// Errors that do not concern permissions: the node is loading, busy, or its master is unreachable.
    private static func isPassing(_ error: String) -> Bool {
        ["LOADING ", "BUSY ", "MASTERDOWN "].contains { error.hasPrefix($0) }
    }

    func inspect() async -> Outcome {
        let order = FileWork.Order("inspection", "reading the quarantine in", dataDirectory, patience: .seconds(60))
        return await outcome(order, limit: .seconds(60)) { self.inspected() }
    }

    private func inspected() -> Outcome {
        let askedAt = now()
        let held = quarantine.contents()
        return .inspected(
            HostInspection(
                askedAt: askedAt, engine: engineOnDisk(), quarantineBytes: held.reduce(0) { $0 + $1.bytes },
                quarantineFolders: held.count,
                copies: held.compactMap { KeptCopy(folder: $0.name, at: $0.modified, bytes: $0.bytes) },
                certificates: CertificateReading.all(of: spec)))
    }

    /// Reads the version only if the file has changed.
    private func engineOnDisk() -> Engine? {
        guard let stamp = FileStamp(engine.path) else { return nil }
        if let last = programSeen.withLock({ $0 }), last.stamp == stamp { return last.engine }
        let found = try? EngineProgram.find(engine.path).engine
        programSeen.withLock { $0 = (stamp, found) }
        return found
    }
}
