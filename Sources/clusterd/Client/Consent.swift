import ClusterModel
import Glibc

/// Asks the operator for confirmation.
enum Consent {
    /// - Parameter details: shown before the question, on a terminal only.
    static func ask(
        _ given: Bool, _ question: String, refusal: String, hint: [String], details: () -> Void = {}
    ) throws(Failure) {
        if given { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "not-confirmed", refusal, hint: hint.joined(separator: " "))
        }
        details()
        Output.ask("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw Failure("not-confirmed", "nothing was changed")
        }
    }
}
