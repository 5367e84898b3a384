import Foundation
import Testing

@testable import NodeFiles

/// A file that is rotated when it is long, and its concurrent readers.
@Suite struct RotationTests {
    private func inFolder(_ body: (RotatedFile) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "clusterd-rotation-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(RotatedFile(folder + "/log", count: 3))
    }

    private func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    private func add(_ text: String, _ file: RotatedFile) throws { try file.append(Array(text.utf8), mode: 0o600) }

    private func read(_ reader: LineReader) -> [String] {
        var lines: [String] = []
        while let line = reader.line() { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

    @Test func rotationRenamesEachFileAndDeletesTheOldest() throws {
        try inFolder { file in
            for text in ["a\n", "b\n", "c\n", "d\n"] {
                try file.rotate()
                try add(text, file)
            }
            #expect(text(file.path) == "d\n" && text(file.path + ".1") == "c\n" && text(file.path + ".2") == "b\n")
            #expect(text(file.path + ".3") == nil)
            #expect(file.size == 2)
        }
    }

    @Test func aTruncatedLineDoesNotMergeWithTheNextLine() throws {
        try inFolder { file in
            try "whole\nhal".write(toFile: file.path, atomically: false, encoding: .utf8)
            try add("next\n", file)
            #expect(text(file.path) == "whole\nhal\nnext\n")
        }
    }

    @Test func allRotatedFilesAreReadAsOne() throws {
        try inFolder { file in
            try add("a\nb\n", file)
            try file.rotate()
            try add("c\n", file)
            try file.rotate()
            try add("d\ne\n", file)
            #expect(read(LineReader(file, from: .beginning)) == ["a", "b", "c", "d", "e"])
            #expect(read(LineReader(file, from: .end)) == [])
        }
    }

    @Test(arguments: 0...7) func theLastLinesAreFoundAcrossFiles(count: Int) throws {
        try inFolder { file in
            try add("a\nb\n", file)
            try file.rotate()
            try add("c\n", file)
            try file.rotate()
            try add("d\n\n", file)
            let all = ["a", "b", "c", "d", ""]
            #expect(read(LineReader(file, from: .lastLines(count))) == Array(all.suffix(count)))
        }
    }

    @Test func theLastLinesAreFoundAcrossBlocks() throws {
        try inFolder { file in
            let lines = (0..<5000).map { "line \($0) " + String(repeating: "x", count: 40) }
            try add(lines.joined(separator: "\n") + "\n", file)
            for count in [1, 1000, 4999, 5000, 6000] {
                #expect(read(LineReader(file, from: .lastLines(count))) == Array(lines.suffix(count)))
            }
        }
    }

    @Test func oldFilesAreSkippedByTheirModificationTime() throws {
        try inFolder { file in
            try add("old\n", file)
            let hourAgo = Date(timeIntervalSinceNow: -3600)
            try FileManager.default.setAttributes([.modificationDate: hourAgo], ofItemAtPath: file.path)
            try file.rotate()
            try add("new\n", file)
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            #expect(read(LineReader(file, from: .writtenSince(.init(milliseconds: now - 60_000)))) == ["new"])
            #expect(read(LineReader(file, from: .writtenSince(.init(milliseconds: now + 60_000)))) == [])
            #expect(read(LineReader(file, from: .writtenSince(.init(milliseconds: 0)))) == ["old", "new"])
        }
    }

    @Test func appendedLinesAreFollowedAcrossRotations() throws {
        try inFolder { file in
            let reader = LineReader(file, from: .beginning)
            #expect(read(reader) == [])
            try add("a\nhal", file)
            #expect(read(reader) == ["a"])
            // The writer has the file open while it is rotated.
            let handle = try #require(FileHandle(forWritingAtPath: file.path))
            handle.seekToEndOfFile()
            try file.rotate()
            try handle.write(contentsOf: Array("f\nb\n".utf8))
            #expect(read(reader) == ["half", "b"])
            try add("c\n", file)
            #expect(read(reader) == ["c"])
            // Two rotations between two reads.
            try file.rotate()
            try add("d\n", file)
            try file.rotate()
            try add("e\n", file)
            #expect(read(reader) == ["d", "e"])
            // Three: the lines of a deleted file cannot be read.
            for text in ["f\n", "g\n", "h\n", "i\n"] {
                try file.rotate()
                try add(text, file)
            }
            #expect(read(reader) == ["g", "h", "i"])
        }
    }

    @Test func aTruncatedFileIsReadFromItsStart() throws {
        try inFolder { file in
            try add("a\nb\n", file)
            let reader = LineReader(file, from: .beginning)
            #expect(read(reader) == ["a", "b"])
            try FileHandle(forWritingTo: URL(fileURLWithPath: file.path)).truncate(atOffset: 0)
            #expect(read(reader) == [])
            try add("c\n", file)
            #expect(read(reader) == ["c"])
        }
    }
}
