/// The result of `clusterd restore --json` and `clusterd import --json`.
package struct CopyDocument: Hashable, Sendable, Codable {
    package var schema = 1
    /// The name of the cluster that got the keys.
    package var cluster: String
    /// The folder of the backup, or the address of the server.
    package var source: String
    package var keys: Int64
    /// Keys that had expired before they were copied.
    package var expired: Int64
    /// Bytes of the copied values.
    package var bytes: Int64
    package var milliseconds: Int64
    /// Whether the source had the same keys at the end, and takes no writes until then; nil: it was not asked for.
    package var complete: Bool?

    package init(
        cluster: String, source: String, keys: Int64, expired: Int64, bytes: Int64, milliseconds: Int64,
        complete: Bool?
    ) {
        self.cluster = cluster
        self.source = source
        self.keys = keys
        self.expired = expired
        self.bytes = bytes
        self.milliseconds = milliseconds
        self.complete = complete
    }
}
