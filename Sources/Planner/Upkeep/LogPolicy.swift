import ClusterModel

/// The length of the nodes' own logs, as last measured.
package struct LogLengths: Sendable, Equatable {
    package var askedAt: Moment
    package var bytes: [NodeName: Int64]

    package init(askedAt: Moment, bytes: [NodeName: Int64]) {
        self.askedAt = askedAt
        self.bytes = bytes
    }
}

/// A long log of a node is rotated. The engine opens it for each line, so the next line creates a new file; no signal to the node is
/// needed.
package enum LogPolicy {
    package static let fileName = "redis.log"
    package static let limit: Int64 = 16 << 20
    /// Including the one that grows.
    package static let filesKept = 5
    static let pace = Duration.seconds(5)

    package static func path(_ member: Member) -> String { "\(member.directory)/\(fileName)" }
}

extension Turn {
    mutating func keepLogsShort() {
        let long = members.filter { (seen.logs?.bytes[$0.name] ?? 0) >= LogPolicy.limit }
        for member in long {
            let rotation = Effect.LogRotation(
                node: member.name, path: LogPolicy.path(member), count: LogPolicy.filesKept)
            guard case .failed(let why, _) = ensure(.rotateLog(rotation), retryAfter: .seconds(5)) else { continue }
            emit(
                Finding(
                    .logNotRotated, .warning, node: member.name, about: .path(rotation.path),
                    "\(rotation.path) is long, and clusterd cannot rotate it: \(why)", hint: "check that folder"))
        }
        // A measurement from before a rotation would rotate the next file too.
        guard !seen.isUnderWay(.rotateLog), long.isEmpty else { return }
        ensure(
            .measureLogs(members.map { .init(node: $0.name, path: LogPolicy.path($0)) }), repeatAfter: LogPolicy.pace)
    }
}
