import ClusterModel

/// What `POST /v1/reload` answers: what the new configuration has changed, and what it will.
package struct ReloadDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    /// Keys that hold now.
    package var applied: [String]
    /// Directives that were set on every node that runs.
    package var live: [String]
    /// Directives that hold from each node's next start.
    package var pendingRestart: [Pending]
    /// Keys that hold from clusterd's next start.
    package var pendingDaemon: [String]
    /// What a reload does not do, in sentences.
    package var later: [String]
    /// Running nodes that could not be compared with the configuration; nil: a daemon of an older version was asked.
    package var unreached: [Unreached]?

    package init(
        cluster: String, applied: [String], live: [String], pendingRestart: [Pending], pendingDaemon: [String],
        later: [String], unreached: [Unreached] = []
    ) {
        self.unreached = unreached
        self.cluster = cluster
        self.applied = applied
        self.live = live
        self.pendingRestart = pendingRestart
        self.pendingDaemon = pendingDaemon
        self.later = later
    }

    package struct Pending: Hashable, Sendable, Codable {
        package var directive: String
        package var nodes: [NodeName]

        package init(directive: String, nodes: [NodeName]) {
            self.directive = directive
            self.nodes = nodes
        }
    }

    package struct Unreached: Hashable, Sendable, Codable {
        package var node: NodeName
        package var why: String

        package init(node: NodeName, why: String) {
            self.node = node
            self.why = why
        }
    }

    package var changedNothing: Bool {
        applied.isEmpty && live.isEmpty && pendingRestart.isEmpty && pendingDaemon.isEmpty && later.isEmpty
    }
}
