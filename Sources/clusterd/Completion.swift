import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

/// Shell completion of words that only a running daemon knows. The shell blocks until the answer arrives, so there are no
/// suggestions if the daemon does not run or takes longer than a second.
enum Completion {
    static let node = CompletionKind.custom { words, _, _ in nodes(words) { _ in true } }
    static let master = CompletionKind.custom { words, _, _ in nodes(words) { $0.role == .master } }
    static let replica = CompletionKind.custom { words, _, _ in nodes(words) { $0.role == .replica } }
    static let nodeOrState = CompletionKind.custom { words, _, _ in ["ready", "serving"] + nodes(words) { _ in true } }
    static let startable = CompletionKind.custom { words, _, _ in nodes(words) { $0.process != .running } }
    static let stoppable = CompletionKind.custom { words, _, _ in nodes(words) { $0.wanted == .running } }

    static let cluster = CompletionKind.custom { words, _, _ in
        ask(words, .status, StatusDocument.self).map { [$0.cluster.name] } ?? []
    }
    /// All clusters on this host whose daemon answers.
    static let clusterHere = CompletionKind.custom { _, _, _ in
        Set(RunningClusters.find().filter { $0.daemon == .answers }.compactMap(\.name)).sorted()
    }
    static let operation = CompletionKind.custom { words, _, _ in operations(words) { _ in true } }
    static let cancellable = CompletionKind.custom { words, _, _ in operations(words) { $0.endedAt == nil } }

    static let configuration = CompletionKind.file(extensions: ["yaml"])

    private static func nodes(_ words: [String], _ isMeant: (NodeDocument) -> Bool) -> [String] {
        ask(words, .status, StatusDocument.self)?.nodes.filter(isMeant).map(\.name.text) ?? []
    }

    private static func operations(_ words: [String], _ isMeant: (OperationDocument) -> Bool) -> [String] {
        ask(words, .operations, OperationsDocument.self)?.operations.filter(isMeant).map(\.id) ?? []
    }

    private static func ask<Document: Decodable>(
        _ words: [String], _ request: ControlRequest, _ type: Document.Type
    ) -> Document? {
        guard let choice = try? DaemonChoice.parse(CompletedLine.daemonOptions(in: words, home: home)),
            let client = try? choice.client(), RunningClusters.mayAsk(client.socketPath)
        else { return nil }
        return try? client.get(request, type, timeout: .seconds(1))
    }

    private static var home: String? { getenv("HOME").map { String(cString: $0) } }
}

/// The command line that a shell is completing, as typed: the shell has not removed the quotes yet.
enum CompletedLine {
    /// The options on it that select the daemon.
    static func daemonOptions(in words: [String], home: String?) -> [String] {
        let names = DaemonChoice.options
        var found: [String] = []
        var rest = words.prefix { $0 != "--" }[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard names.contains(parts[0]) else { continue }
            if parts.count == 2 {
                found += [parts[0], plain(parts[1], home)]
            } else if let value = rest.popFirst() {
                // Bash splits --dir=x into three words.
                guard value == "=" else {
                    found += [word, plain(value, home)]
                    continue
                }
                if let value = rest.popFirst() { found += [word, plain(value, home)] }
            }
        }
        return found
    }

    private static func plain(_ word: String, _ home: String?) -> String {
        if let quote = word.first, quote == "'" || quote == "\"" {
            return word.count > 1 && word.last == quote ? String(word.dropFirst().dropLast()) : String(word.dropFirst())
        }
        var text = ""
        var isEscaped = false
        for character in word {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                text.append(character)
                isEscaped = false
            }
        }
        if let home, text.hasPrefix("~/") { return home + text.dropFirst() }
        return text
    }
}
