import ArgumentParser
import ClusterConfiguration
import ClusterModel

/// Reports a command line that cannot be parsed in the form of every other error.
enum UsageError {
    /// The failure for `help` with an unknown command. The argument parser would print the help of the program instead.
    static func unknownHelp(_ arguments: [String]) -> Failure? {
        guard arguments.first == "help", CommandTree.unknownCommand(arguments) != nil else { return nil }
        return failure("", Array(arguments.dropFirst()))
    }

    static func failure(_ message: String, _ arguments: [String]) -> Failure {
        let path = CommandTree.path(arguments)
        let typed = path.map(CommandTree.name(of:)).joined(separator: " ")
        let failure: Failure
        if let word = CommandTree.unknownCommand(arguments), let last = path.last {
            let names = last.configuration.subcommands.map(CommandTree.name(of:))
            let nearest = Spelling.nearest(to: word, among: names)
            failure = Failure(
                "usage", "there is no command '\(word)'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""),
                hint: nearest.map { "\(typed) \($0) --help" } ?? "\(typed) --help")
        } else {
            failure = Failure(
                "usage", sentence(message), hint: "\(typed) --help")
        }
        return failure.json(arguments.prefix { $0 != "--" }.contains("--json"))
    }

    /// The parser's sentence in the form of clusterd's messages: a lower-case first letter and no full stop.
    private static func sentence(_ message: String) -> String {
        guard let first = message.first else { return "the command line cannot be parsed" }
        let body = message.last == "." ? message.dropLast() : message[...]
        return first.lowercased() + body.dropFirst()
    }
}
