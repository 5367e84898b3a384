import ClusterModel

/// One line of the timeline.
package struct EventDocument: Hashable, Sendable, Codable {
    package var at: Timestamp
    /// Increases by one with each event, also across restarts of the daemon.
    package var seq: Int64
    package var code: String
    package var severity: Severity
    package var host: String?
    package var cluster: String?
    package var node: NodeName?
    /// The name of the shard's master.
    package var shard: NodeName?
    package var message: String
    /// An object with the facts of the message, for programs.
    package var data: JSONValue?

    package init(
        at: Timestamp, seq: Int64, code: String, severity: Severity, host: String? = nil, cluster: String? = nil,
        node: NodeName? = nil, shard: NodeName? = nil, message: String, data: JSONValue? = nil
    ) {
        self.at = at
        self.seq = seq
        self.code = code
        self.severity = severity
        self.host = host
        self.cluster = cluster
        self.node = node
        self.shard = shard
        self.message = message
        self.data = data
    }
}
