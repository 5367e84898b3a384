/// The answer of `POST /v1/reexec` after the program on disk was tried: it is about to take over.
package struct ReexecDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    /// The path of the program, and the version that it reports.
    package var program: String
    package var version: String
    /// The daemon before the upgrade.
    package var before: StatusDocument.Daemon
    /// The number of the last event before the upgrade. Later events report the outcome.
    package var lastEvent: Int64

    package init(
        cluster: String, program: String, version: String, before: StatusDocument.Daemon, lastEvent: Int64
    ) {
        self.cluster = cluster
        self.program = program
        self.version = version
        self.before = before
        self.lastEvent = lastEvent
    }
}

/// The output of `clusterd reexec --json`: the daemon before and after the upgrade.
package struct ReplacedDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    package var program: String
    package var before: StatusDocument.Daemon
    package var daemon: StatusDocument.Daemon

    package init(_ reexec: ReexecDocument, by daemon: StatusDocument.Daemon) {
        cluster = reexec.cluster
        program = reexec.program
        before = reexec.before
        self.daemon = daemon
    }
}
