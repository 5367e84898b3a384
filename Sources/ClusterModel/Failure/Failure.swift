/// An error for the operator. It has the same words wherever it is shown: as a decision of the planner, in an answer on the control
/// socket, and at the terminal.
package struct Failure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// Stable, kebab-case.
    package var code: String
    package var message: String
    /// What to do next.
    package var hint: String?
    /// The exit status of the command: an `ExitCode`. It is stored, because an answer of another clusterd brings its own.
    package var exit: Int32
    /// Whether the command was asked for JSON. It concerns only how this command prints the error, and is no part of any document.
    package var asJSON = false

    /// - Parameter exit: nil: the exit status of the code. Pass another only where more than the code decides, such as an errno.
    package init(_ code: String, _ message: String, hint: String? = nil, exit: Int32? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit ?? ExitCode.of(code)
    }

    private enum CodingKeys: String, CodingKey {
        case code, message, hint, exit
    }

    package var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
