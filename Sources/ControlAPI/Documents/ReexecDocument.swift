/// What `POST /v1/reexec` answers once the program on disk was tried: it is about to take over.
package struct ReexecDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    /// The program's file, and the version that it says it is.
    package var program: String
    package var version: String
    /// Who is replaced.
    package var before: StatusDocument.Daemon
    /// The last event until then: what comes of it is told by those after it.
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

/// What `clusterd reexec --json` prints: who ran before, and who does now.
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
