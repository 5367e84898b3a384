import ClusterModel

/// One error in the configuration.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    package var origin: ClusterSpec.Origin
    package var message: String
    package var hint: String?

    /// `conf.d/10-cluster.yaml:3:5: there is no key 'replica'; did you mean 'replicas'?`
    package var description: String { "\(origin): \(message)\(hint.map { "; \($0)" } ?? "")" }
}

/// All errors, in the order of the files.
package struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
    package var errors: [ConfigurationError]
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}
