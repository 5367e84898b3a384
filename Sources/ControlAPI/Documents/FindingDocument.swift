import ClusterModel

/// A finding of a check. Each code has an entry in docs/findings.md.
package struct FindingDocument: Hashable, Sendable, Codable {
    /// Stable, kebab-case.
    package var code: String
    package var severity: Severity
    package var node: NodeName?
    /// The name of the shard's master.
    package var shard: NodeName?
    package var message: String
    /// What to do: a command, if there is one.
    package var hint: String?
    /// The evidence, line by line: the last lines of a log.
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
