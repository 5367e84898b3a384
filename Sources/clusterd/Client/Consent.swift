import ControlAPI
import Glibc

/// What a person must say yes to.
enum Consent {
    /// - Parameter details: told to who can answer, before the question.
    static func ask(
        _ given: Bool, _ question: String, refusal: String, hint: [String], details: () -> Void = {}
    ) throws(Failure) {
        if given { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "not-confirmed", refusal, hint: hint.joined(separator: " "), exit: ControlAPI.ExitCode.refused)
        }
        details()
        Output.ask("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw Failure("not-confirmed", "nothing was changed", exit: ControlAPI.ExitCode.refused)
        }
    }
}
