/// Why a request came to nothing, in words for the person who asked; the same on the socket, under `--json`, and on a
/// terminal.
package struct ControlError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// Stable, kebab-case.
    package var code: String
    package var message: String
    /// What would help.
    package var hint: String?
    /// What the client ends with: an `ExitCode`.
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
