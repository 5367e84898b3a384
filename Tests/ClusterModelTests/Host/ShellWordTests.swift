import ClusterModel
import Foundation
import Testing

@Suite struct ShellWordTests {
    static let words: [(String, String)] = [
        ("/var/lib/clusterd", "/var/lib/clusterd"), ("7000", "7000"), ("--older-than", "--older-than"),
        ("/my data/x", "'/my data/x'"), ("", "''"), ("it's", #"'it'\''s'"#), ("'", #"''\'''"#), ("~", "'~'"),
        ("a\nb", "'a\nb'"), ("$HOME", "'$HOME'"), ("a;b", "'a;b'"), ("*", "'*'"), ("été", "'été'"),
    ]

    @Test(arguments: words)
    func onlyWordsThatAShellWouldChangeAreQuoted(word: String, quoted: String) {
        #expect(ShellWord.quoted(word) == quoted)
    }

    @Test func aShellReadsEachQuotedWordUnchanged() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "printf '%s\\0' " + Self.words.map { ShellWord.quoted($0.0) }.joined(separator: " "),
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let read = String(decoding: bytes, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
        #expect(read.dropLast().map(String.init) == Self.words.map(\.0))
    }
}
