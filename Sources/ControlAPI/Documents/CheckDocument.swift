/// The answer of `GET /v1/check`: every health check.
package struct CheckDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    /// Whether none of the findings is an error.
    package var healthy: Bool
    /// Errors first.
    package var findings: [FindingDocument]
    /// One sentence for each passed check.
    package var passed: [String]

    package init(cluster: String, healthy: Bool, findings: [FindingDocument], passed: [String]) {
        self.cluster = cluster
        self.healthy = healthy
        self.findings = findings
        self.passed = passed
    }
}
