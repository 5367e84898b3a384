import Foundation
import NodeFiles
import Testing

/// Invariant: last-copy.
struct QuarantineTests {
    /// In addition to the usual place for temporary files, one that is probably on another file system.
    static let parents: [String] = [NSTemporaryDirectory(), "/dev/shm"].filter { (path: String) in
        access(path, W_OK) == 0
    }

    private func node(_ data: TemporaryFolder) throws -> String {
        for (name, text) in [("nodes.conf", "N"), ("dump.rdb", "D"), ("appendonlydir/a.1.incr.aof", "A")] {
            try data.write("nodes/7000/\(name)", text)
        }
        return "\(data.path)/nodes/7000"
    }

    @Test(arguments: parents)
    func quarantineMovesTheNamedFilesAndNotesTheReason(parent: String) throws {
        let data = try TemporaryFolder()
        let other = try TemporaryFolder(in: parent)
        let directory = try node(data)
        let quarantine = Quarantine(root: "\(other.path)/quarantine")
        let moved = try quarantine.move(
            ["nodes.conf", "appendonlydir", "not-there"], from: directory, into: "t-7000", note: "it was left by a test"
        )
        #expect(moved == "\(other.path)/quarantine/t-7000")
        let target = try #require(moved)
        #expect(try listDirectory(target) == ["NOTE.txt", "appendonlydir", "nodes.conf"])
        #expect(try listDirectory(directory) == ["dump.rdb"])
        #expect(text("\(target)/nodes.conf") == "N" && text("\(target)/appendonlydir/a.1.incr.aof") == "A")
        let note = try #require(text("\(target)/NOTE.txt"))
        #expect(note.contains("why   it was left by a test\nfrom  \(directory)\n") && !note.contains("not-there"))
        #expect(note.contains("  mv -n \(target)/nodes.conf \(directory)/nodes.conf"))
    }

    @Test(arguments: parents)
    func theCommandInTheNoteRestoresTheFiles(parent: String) throws {
        let data = try TemporaryFolder()
        let other = try TemporaryFolder(in: parent)
        let directory = try node(data)
        try data.write("nodes/7000/it's.rdb", "Q")
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)], ofItemAtPath: "\(directory)/dump.rdb")
        let names = try listDirectory(directory)
        let before = directoryFacts(directory).content
        let target = try #require(try Quarantine(root: other.path).move(nil, from: directory, into: "q", note: "x"))
        #expect(try listDirectory(directory).isEmpty)
        let commands = try #require(text("\(target)/NOTE.txt")).split(separator: "\n").filter { $0.hasPrefix("  mv") }
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-ec", commands.joined(separator: "\n")]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        #expect(try listDirectory(directory) == names)
        #expect(directoryFacts(directory).content == before)
    }

    @Test func quarantineNeverOverwritesAndLeavesNoEmptyFolder() throws {
        let data = try TemporaryFolder()
        let quarantine = Quarantine(root: "\(data.path)/quarantine")
        for (round, expected) in ["t", "t-2", "t-3"].enumerated() {
            try data.write("nodes/7000/NOTE.txt", "round \(round)")
            let target = try quarantine.move(["NOTE.txt"], from: "\(data.path)/nodes/7000", into: "t", note: "n")
            #expect(target == "\(data.path)/quarantine/\(expected)")
            #expect(text("\(data.path)/quarantine/\(expected)/NOTE.txt") == "round \(round)")
        }
        #expect(try quarantine.move(["nothing"], from: "\(data.path)/nodes/7000", into: "u", note: "n") == nil)
        #expect(try listDirectory("\(data.path)/quarantine") == ["t", "t-2", "t-3"])
        for name in ["../x", "/etc/passwd", "..", ""] {
            #expect(throws: FileError.self) {
                try quarantine.move([name], from: "\(data.path)/nodes/7000", into: "u", note: "n")
            }
        }
    }

    @Test(arguments: parents)
    func keptCopiesOutliveTheOriginals(parent: String) throws {
        let data = try TemporaryFolder()
        let other = try TemporaryFolder(in: parent)
        let directory = try node(data)
        let target = try #require(
            try Quarantine(root: other.path).keepCopies(
                of: ["dump.rdb", "appendonlydir/a.1.incr.aof"], in: directory, into: "k",
                note: "before it became a replica"))
        #expect(try listDirectory(directory) == ["appendonlydir", "dump.rdb", "nodes.conf"])
        // Engines replace them by rename.
        try writeDurably(Array("new".utf8), to: "\(directory)/dump.rdb", mode: 0o600)
        try FileManager.default.removeItem(atPath: "\(directory)/appendonlydir/a.1.incr.aof")
        #expect(text("\(target)/dump.rdb") == "D" && text("\(target)/appendonlydir/a.1.incr.aof") == "A")
        #expect(text("\(target)/NOTE.txt")?.contains("cp -a \(target)/dump.rdb \(directory)/dump.rdb") == true)
        #expect(try listDirectory(target) == ["NOTE.txt", "appendonlydir", "dump.rdb"])
    }

    @Test func removalIsLimitedToTheQuarantineAndFollowsNoLink() throws {
        let data = try TemporaryFolder()
        let quarantine = Quarantine(root: "\(data.path)/quarantine")
        try data.write("other/kept.rdb", "K")
        #expect(try quarantine.remove("t-7000") == false)
        try quarantine.move(nil, from: try node(data), into: "t-7000", note: "x")
        try FileManager.default.createSymbolicLink(
            atPath: "\(quarantine.root)/t-7000/link", withDestinationPath: "\(data.path)/other")
        try FileManager.default.createSymbolicLink(
            atPath: "\(quarantine.root)/leads-away", withDestinationPath: "\(data.path)/other")
        for name in ["", ".", "..", "../other", "t-7000/appendonlydir", "leads-away"] {
            #expect(throws: FileError.self) { try quarantine.remove(name) }
        }
        #expect(try quarantine.remove("t-7000"))
        #expect(try quarantine.remove("t-7000") == false)
        #expect(text("\(data.path)/other/kept.rdb") == "K")
        let linked = Quarantine(root: "\(data.path)/linked")
        try FileManager.default.createDirectory(atPath: "\(data.path)/other/t", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: linked.root, withDestinationPath: "\(data.path)/other")
        #expect(throws: FileError.self) { try linked.remove("t") }
    }

    @Test func aQuarantinedFolderReportsItsKeys() throws {
        let data = try TemporaryFolder()
        let commands = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"
        for place in ["nodes/7005", "nodes/7006"] { try data.write("\(place)/appendonly.aof", commands) }
        let quarantine = Quarantine(root: "\(data.path)/quarantine")
        try quarantine.move(["appendonly.aof"], from: "\(data.path)/nodes/7005", into: "files", note: "x")
        try quarantine.move(["7006"], from: "\(data.path)/nodes", into: "whole", note: "x")
        for name in ["files", "whole"] {
            #expect(keySample(of: "\(quarantine.root)/\(name)")?.inWords == "1 key (a)")
        }
        #expect(keySample(of: "\(data.path)/nodes/7005") == nil)
    }
}
