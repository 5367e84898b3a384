import ClusterModel
import Testing

/// `REDIS0010` with auxiliary fields and, by default, an end without checksum.
private func rdb(_ body: [UInt8], magic: String = "REDIS0010", end: [UInt8] = [255, 0, 0, 0, 0, 0, 0, 0, 0])
    -> [UInt8]
{
    let id = String(repeating: "e", count: 40)
    return Array(magic.utf8) + auxiliary("redis-ver", "7.0.15") + auxiliary("repl-id", id)
        // redis-bits and repl-offset as integers of 8, 16 and 32 bits, as the engine encodes them.
        + [250, 10] + Array("redis-bits".utf8) + [0xC0, 64]
        + [250, 11] + Array("repl-offset".utf8) + [0xC2, 0x10, 0x27, 0, 0] + body + end
}

private func auxiliary(_ name: String, _ value: String) -> [UInt8] {
    [250, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
}

private func evidence(_ bytes: [UInt8]) -> DataEvidence {
    RDBContent.inspect(prefix: bytes, fileSize: bytes.count).evidence
}

private let select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"

/// Invariant: unknown-is-data.
struct DataEvidenceTests {
    @Test func theHeaderOfADumpIsRead() throws {
        let bytes = rdb([])
        let content = RDBContent.inspect(prefix: bytes, fileSize: bytes.count)
        let header = try #require(content.header)
        #expect(content.evidence == .noKeys)
        #expect(header.formatVersion == 10 && header.engineVersion == "7.0.15")
        #expect(header.replicationOffset == 10000 && header.replicationID == String(repeating: "e", count: 40))
    }

    /// The start of a dump written by Valkey 9.1.2.
    @Test func aValkeyDumpIsRead() {
        #expect(evidence(rdb([], magic: "VALKEY080")) == .noKeys)
        #expect(evidence(rdb([254, 0, 251, 1, 0, 0, 1, 97, 1, 98], magic: "VALKEY080")) == .keys)
    }

    @Test(arguments: [
        ("a string", [254, 0, 251, 1, 0, 0, 1, 97, 1, 98], DataEvidence.keys),
        ("a key that expires", [254, 0, 252, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 97, 1, 98], .keys),
        ("a key with a frequency", [254, 0, 249, 5, 0, 1, 97, 1, 98], .keys),
        ("slot info and a key", [254, 0, 251, 1, 0, 244, 0x50, 0, 1, 0, 18, 1, 97], .keys),
        ("slot info and none", [254, 0, 251, 0, 0, 244, 0x50, 0, 0, 0], .noKeys),
        ("a function", [245, 3, 1, 2, 3], .functions),
        ("a function and a key", [245, 3, 1, 2, 3, 254, 0, 0, 1, 97, 1, 98], .keys),
        ("an old function", [246, 3], .unreadable("holds functions in the form of a release candidate of 7.0")),
        ("a module", [247, 3], .unreadable("holds data of a module")),
        ("a slot import", [243, 3], .unreadable("has the unknown opcode 243")),
        ("long lengths", [251, 0x80, 0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0, 0], .noKeys),
        ("a packed string", [250, 1, 97, 0xC3, 2, 40, 9, 9], .noKeys),
        (
            "an impossible length", [250, 0x81, 255, 255, 255, 255, 255, 255, 255, 255],
            .unreadable("has an impossible length")
        ),
        ("an endless string", [250, 0x80, 255, 255, 255, 255], .unreadable("is cut short")),
    ])
    func everyOpcodeOfADumpIsRead(what: String, body: [UInt8], expected: DataEvidence) {
        #expect(evidence(rdb(body)) == expected, "\(what)")
    }

    @Test func onlyACompleteFileProvesThatThereAreNoKeys() {
        let whole = rdb([])
        for length in 0..<whole.count { #expect(evidence(Array(whole[..<length])).holdsKeys, "cut at \(length)") }
        #expect(evidence(whole + [0]).holdsKeys)
        #expect(evidence(rdb([], end: [255, 1, 2, 3, 4, 5, 6, 7, 8])) == .unreadable("has a wrong checksum"))
        #expect(evidence(rdb([], end: [255, 0, 0])).holdsKeys)
        // Unread bytes may hold keys.
        #expect(RDBContent.inspect(prefix: Array(whole[..<60]), fileSize: whole.count).evidence.holdsKeys)
        #expect(evidence(Array("REDIS00".utf8)).holdsKeys && evidence([]).holdsKeys)
    }

    @Test(arguments: [
        ("nothing", "", DataEvidence.noKeys),
        ("SELECT", select, .noKeys),
        ("SELECTs with a time", "#TS:1700000000\r\n" + select + select, .noKeys),
        ("SET", select + "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n", .keys),
        ("a cut SET", select + "*3\r\n$3\r\nSET\r\n$1", .keys),
        ("a FLUSHALL", select + "*1\r\n$8\r\nFLUSHALL\r\n", .keys),
        ("a cut SELECT", "*2\r\n$6\r\nSELECT\r\n$1\r\n", .unreadable("is cut short")),
        ("an odd SELECT", "*3\r\n$6\r\nSELECT\r\n$1\r\n0\r\n$1\r\n0\r\n", .keys),
        ("text", "SET a b\r\n", .unreadable("contains bytes that are not a command")),
        ("NUL bytes", "\0\0\0\0\0\0\0\0", .unreadable("contains bytes that are not a command")),
        ("a negative count", "*-1\r\n", .unreadable("contains bytes that are not a command")),
    ])
    func appendOnlyFilesAreRead(what: String, text: String, expected: DataEvidence) {
        let bytes = Array(text.utf8)
        #expect(AOFContent.inspect(prefix: bytes, fileSize: bytes.count).evidence == expected, "\(what)")
    }

    @Test func anAppendOnlyFileWithADumpPreambleIsRead() {
        func evidence(_ bytes: [UInt8]) -> DataEvidence {
            AOFContent.inspect(prefix: bytes, fileSize: bytes.count).evidence
        }
        #expect(evidence(rdb([])) == .noKeys)
        #expect(evidence(rdb([]) + Array(select.utf8)) == .noKeys)
        #expect(evidence(rdb([]) + Array("*1\r\n$8\r\nFLUSHALL\r\n".utf8)) == .keys)
        #expect(evidence(rdb([254, 0, 0, 1, 97, 1, 98])) == .keys)
        #expect(evidence(rdb([245, 1, 9]) + Array(select.utf8)) == .functions)
        #expect(AOFContent.inspect(prefix: Array(select.utf8), fileSize: 4096).evidence.holdsKeys)
    }

    @Test func aManifestIsRead() throws {
        let text = """
            file appendonly.aof.2.base.rdb seq 2 type b
            file "with \\"quotes\\".1.incr.aof" seq 1 type h
            file appendonly.aof.2.incr.aof seq 2 type i

            """
        let manifest = try #require(AOFManifest(Array(text.utf8)))
        #expect(manifest.entries.map(\.kind) == [.base, .history, .increment])
        #expect(manifest.entries[1].name == "with \"quotes\".1.incr.aof")
        #expect(manifest.entries.map(\.sequence) == [2, 1, 2])
        for wrong in [
            "", "file a seq 1\n", "file a seq 1 type x\n", "file ../a seq 1 type b\n", "file a seq 1 type b",
            "file a seq 1 type b\nfile a seq 1 type b\n", "file a seq 1 type b\nfile b seq 2 type b\n",
            "file a seq 2 type i\nfile b seq 2 type i\n", "file a seq 3 type i\nfile b seq 2 type i\n",
            "file a seq 0 type i\n",
        ] {
            #expect(AOFManifest(Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }

    @Test func arbitraryBytesNeverCrashTheReaders() {
        var random = SplitMix64(seed: 43)
        let samples = [
            rdb([245, 3, 1, 2, 3, 254, 0, 251, 0, 0, 244, 0x50, 0, 0, 0]) + Array((select + select).utf8),
            Array((select + "#TS:1\r\n" + select).utf8), Array("file a.1.base.rdb seq 1 type b\n".utf8),
        ]
        for round in 0..<6000 {
            let bytes = mutated(samples[round % samples.count], &random)
            let size = bytes.count + (round % 2) * 100
            _ = RDBContent.inspect(prefix: bytes, fileSize: size)
            _ = AOFContent.inspect(prefix: bytes, fileSize: size)
            _ = AOFManifest(bytes)
            _ = RedisConfFile(bytes)
        }
    }

    @Test func aFolderHoldsKeysIfAnyOfItsFilesMay() {
        func file(_ name: String, _ evidence: DataEvidence) -> DataFile {
            DataFile(name: name, size: 1, modified: .init(milliseconds: 0), evidence: evidence)
        }
        var content = DirectoryContent()
        #expect(content.isEmpty && !content.holdsKeys && content.fileNames.isEmpty)
        content.dumps = [file("dump.rdb", .noKeys)]
        content.appendOnly = AppendOnlyFiles(directoryName: "aof", files: [file("aof/x.1.base.rdb", .noKeys)])
        #expect(!content.isEmpty && !content.holdsKeys && content.fileNames == ["aof", "dump.rdb"])
        content.others = [file("temp-1.rdb", .unreadable("is cut short"))]
        #expect(content.holdsKeys && content.fileNames == ["aof", "dump.rdb", "temp-1.rdb"])
        content.others = []
        content.appendOnly?.trouble = "the manifest names a file that is not there"
        #expect(content.holdsKeys)
        #expect(
            {
                var content = DirectoryContent(); content.trouble = "no permission"; return content.holdsKeys
            }())
    }
}
