import ClusterModel

/// An error as the API shows it. The name is for `ControlServer`, which knows the API but not the model.
package typealias ControlError = Failure
package typealias ExitCode = Failure.ExitCode

/// `{"error":{"code","message","hint","exit"}}`.
package struct ErrorDocument: Hashable, Sendable, Codable {
    package var error: ControlError

    package init(_ error: ControlError) { self.error = error }
}
