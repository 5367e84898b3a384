import ArgumentParser

/// The tree of commands and subcommands.
enum CommandTree {
    static let root: any ParsableCommand.Type = Clusterd.self

    static func name(of command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }

    /// The command that these arguments begin with, as a path from the root: `clusterd config check`.
    static func path(_ arguments: [String]) -> [any ParsableCommand.Type] {
        var path = [root]
        for argument in arguments {
            guard let last = path.last,
                let next = last.configuration.subcommands.first(where: { name(of: $0) == argument })
            else { break }
            path.append(next)
        }
        return path
    }

    /// The word in the place of a command that names no command.
    static func unknownCommand(_ arguments: [String]) -> String? {
        if arguments.first == "help" { return unknownCommand(Array(arguments.dropFirst())) }
        let path = path(arguments)
        guard let last = path.last, !last.configuration.subcommands.isEmpty, arguments.count >= path.count,
            last.configuration.defaultSubcommand == nil
        else { return nil }
        let word = arguments[path.count - 1]
        return word.hasPrefix("-") || word == "help" ? nil : word
    }

    /// All commands without subcommands, with the words to type: a default subcommand needs no word of its own.
    static var leaves: [(words: [String], type: any ParsableCommand.Type)] {
        func below(_ words: [String], _ type: any ParsableCommand.Type) -> [([String], any ParsableCommand.Type)] {
            let (children, assumed) = (type.configuration.subcommands, type.configuration.defaultSubcommand)
            guard !children.isEmpty else { return [(words, type)] }
            return children.flatMap { below($0 == assumed ? words : words + [name(of: $0)], $0) }
        }
        return below([name(of: root)], root)
    }

    /// The examples in a command's help: the lines that begin with `clusterd `.
    static func examples(of type: any ParsableCommand.Type) -> [String] {
        type.configuration.discussion.split(separator: "\n").map(String.init).filter { $0.hasPrefix("clusterd ") }
    }
}
