import ClusterModel

/// The answer of `POST /v1/reload`: the changes that are effective, and those that are pending.
package struct ReloadDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    /// Keys that are effective now.
    package var applied: [String]
    /// Directives that were set on every running node.
    package var live: [String]
    /// Directives that take effect at the next start of each node.
    package var pendingRestart: [Pending]
    /// Keys that take effect when clusterd restarts.
    package var pendingDaemon: [String]
    /// Changes that a reload does not make, in sentences.
    package var later: [String]
    /// Running nodes that could not be compared with the configuration; nil: the daemon has an older version.
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
