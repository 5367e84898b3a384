import ArgumentParser
import ClusterModel
import Testing

@testable import clusterd

/// The command line: every example in the help parses, and a parse error is reported like every other error.
@Suite struct CommandLineTests {
    @Test func everyCommandHasExamplesThatParse() {
        for (command, type) in CommandTree.leaves {
            let examples = CommandTree.examples(of: type)
            #expect(!examples.isEmpty, "\(command.joined(separator: " ")) has no example")
            for example in examples {
                #expect(example.hasPrefix(command.joined(separator: " ")), "\(example)")
                let words = Array(Self.words(example).dropFirst())
                #expect(throws: Never.self, "\(example)") { _ = try Clusterd.parseAsRoot(words) }
            }
        }
    }

    /// Splits like a shell, as far as the examples need it.
    static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in line {
            switch character {
            case "'":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }

    private func failure(_ words: String...) throws -> Failure {
        do {
            _ = try Clusterd.parseAsRoot(words)
        } catch {
            return UsageError.failure(Clusterd.message(for: error), words)
        }
        struct WasRead: Error {}
        throw WasRead()
    }

    @Test func anUnknownCommandIsReportedWithTheNearestOne() throws {
        let near = try failure("statsu", "--json")
        #expect(near.message == "there is no command 'statsu'; did you mean 'status'?")
        #expect(near.hint == "clusterd status --help" && near.exit == 64 && near.asJSON)
        let far = try failure("frobnicate")
        #expect(far.message == "there is no command 'frobnicate'" && far.hint == "clusterd --help" && !far.asJSON)
        #expect(try failure("config", "chek").message.hasSuffix("did you mean 'check'?"))
    }

    @Test func helpOfAnUnknownCommandNamesTheNearest() throws {
        let near = try #require(UsageError.unknownHelp(["help", "statsu"]))
        #expect(near.message == "there is no command 'statsu'; did you mean 'status'?" && near.exit == 64)
        #expect(near.hint == "clusterd status --help")
        #expect(UsageError.unknownHelp(["help", "zzz"])?.hint == "clusterd --help")
        #expect(UsageError.unknownHelp(["help", "config", "chek"])?.message.hasSuffix("did you mean 'check'?") == true)
        for known in [["help"], ["help", "status"], ["help", "config"], ["help", "config", "show"], ["status"], []] {
            #expect(UsageError.unknownHelp(known) == nil, "\(known)")
        }
    }

    @Test func aWrongOptionIsReportedWithItsCommand() throws {
        let option = try failure("status", "--jsom")
        #expect(option.message.hasPrefix("unknown option '--jsom'") && option.hint == "clusterd status --help")
        #expect(try failure("restart-node").message == "missing expected argument '<node>'")
        #expect(try failure("wait", "--timeout", "soon").message.contains("'soon'"))
        #expect(try failure("config", "show", "x").hint == "clusterd config show --help")
        // Arguments after two dashes are not clusterd's.
        #expect(try !failure("exec", "--nonsense", "--", "x", "--json").asJSON)
    }

    @Test func theHelpShowsNoDefaultInSwiftNotation() {
        for (_, type) in CommandTree.leaves {
            let help = Clusterd.helpMessage(for: type, columns: 100)
            #expect(!help.contains("Argument("), "\(help)")
        }
    }

    @Test func completionReadsTheDaemonOptionsFromTheCurrentLine() {
        func options(_ words: String...) -> [String] { CompletedLine.daemonOptions(in: words, home: "/h/a") }
        #expect(options("clusterd", "restart-node", "--dir", "/srv/a\\ b", "70") == ["--dir", "/srv/a b"])
        #expect(options("clusterd", "--dir=~/x", "wait", "") == ["--dir", "/h/a/x"])
        #expect(options("clusterd", "wait", "--socket", "=", "'/s x'", "") == ["--socket", "/s x"])
        #expect(options("clusterd", "shell", "--", "--dir", "x") == [])
        #expect(options("clusterd", "wait", "--dir") == [])
        #expect(options("clusterd", "wait", "--dir", "\"/s") == ["--dir", "/s"])
    }
}
