/// Why a request failed, in text for the operator. It is the same on the socket, with `--json`, and on a terminal.
package struct ControlError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// Stable, kebab-case.
    package var code: String
    package var message: String
    /// What to do next.
    package var hint: String?
    /// The exit code of the client: an `ExitCode`.
    package var exit: Int32

    package init(_ code: String, _ message: String, hint: String? = nil, exit: Int32) {
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit
    }

    package var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

/// `{"error":{"code","message","hint","exit"}}`.
package struct ErrorDocument: Hashable, Sendable, Codable {
    package var error: ControlError

    package init(_ error: ControlError) { self.error = error }
}
