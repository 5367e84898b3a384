import ClusterModel

/// Something that a person should know; each has an entry in docs/findings.md.
package struct FindingDocument: Hashable, Sendable, Codable {
    /// Stable, kebab-case.
    package var code: String
    package var severity: Severity
    package var node: NodeName?
    /// The shard's master, by name.
    package var shard: NodeName?
    package var message: String
    /// A command, where one exists.
    package var hint: String?
    /// What it rests on, line by line: the last lines of a log.
    package var details: [String]?

    package init(
        code: String, severity: Severity, node: NodeName? = nil, shard: NodeName? = nil, message: String,
        hint: String? = nil, details: [String]? = nil
    ) {
        self.code = code
        self.severity = severity
        self.node = node
        self.shard = shard
        self.message = message
        self.hint = hint
        self.details = details
    }
}

package enum Severity: String, Sendable, Codable { case info, warning, error }
