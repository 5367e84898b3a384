import ClusterModel
import Testing

struct KeySampleTests {
    private func command(_ words: String...) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }
    private func sample(_ bytes: [UInt8], size: Int? = nil) -> KeySample {
        KeySample(prefix: bytes, fileSize: size ?? bytes.count)
    }

    @Test func aSampleHasTheKeysOfCommands() {
        let bytes =
            command("SELECT", "0") + command("SET", "a", "1") + command("HSET", "b", "f", "v")
            + command("SET", "a", "2")
            + command("MSET", "c", "1", "d", "2") + command("DEL", "b") + command("PUBLISH", "channel", "x")
        #expect(sample(bytes) == KeySample(count: 3, isExact: true, names: ["a", "c", "d"]))
        #expect(sample(bytes).inWords == "3 keys (a, c, d)")
        let cut = sample(Array(bytes.dropLast(3)))
        #expect(cut.count == 3 && !cut.isExact && cut.inWords == "at least 3 keys (a, c, d, …)")
        #expect(sample(bytes, size: 1 << 20).isExact == false)
        #expect(sample(Array("garbage".utf8)).isExact == false)
        #expect(sample(command("SELECT", "0")).inWords == "no keys")
    }

    @Test func aSampleOfADumpHasItsKeyCount() {
        let header = Array("REDIS0010".utf8) + [254, 0, 251, 7, 1]
        // A string, one that expires, a list: nothing after the last one is read.
        let keys: [UInt8] = [0, 1, 97, 1, 49, 252, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 98, 0xC0, 5, 14, 1, 99, 9, 9, 9]
        let found = sample(header + keys, size: 1 << 20)
        #expect(found == KeySample(count: 7, isExact: true, names: ["a", "b", "c"]))
        #expect(found.inWords == "7 keys (a, b, c, …)")
        #expect(sample(Array("REDIS0010".utf8) + [247]).inWords == "keys")
        #expect(sample(Array("REDIS0010".utf8) + [255, 0, 0, 0, 0, 0, 0, 0, 0]).inWords == "no keys")
    }

    @Test func aSampleNamesFunctions() {
        let load = command("FUNCTION", "LOAD", "#!lua name=l")
        #expect(sample(load).inWords == "functions, no keys")
        #expect(sample(load + command("SET", "a", "1")).inWords == "functions and 1 key (a)")
        // FUNCTION2 with a one-byte library.
        let dump = Array("REDIS0010".utf8) + [245, 1, 35]
        #expect(sample(dump + [255, 0, 0, 0, 0, 0, 0, 0, 0]).inWords == "functions, no keys")
        #expect(sample(dump + [254, 0, 251, 1, 0, 0, 1, 97, 1, 49]).inWords == "functions and 1 key (a)")
    }

    @Test func aNameInTwoDatabasesCountsAsTwoKeys() {
        let bytes = command("SET", "a", "1") + command("SELECT", "1") + command("SET", "a", "1")
        #expect(sample(bytes) == KeySample(count: 2, isExact: true, names: ["a", "a"]))
        #expect(sample(bytes + command("SELECT", "0") + command("DEL", "a")).count == 1)
    }

    /// The counts of further databases follow after all keys of the first.
    @Test func theKeyCountOfADumpWithSeveralDatabasesIsALowerBound() {
        let dump = Array("VALKEY080".utf8) + [254, 1, 251, 7, 1, 0, 1, 97, 1, 49]
        #expect(sample(dump, size: 1 << 20).inWords == "at least 7 keys (a, …)")
    }

    @Test func theSamplesOfPartsAreMerged() {
        let dump = KeySample(count: 7, isExact: true, names: ["a", "b"])
        let none = KeySample(count: 0, isExact: true, names: [])
        let more = KeySample(count: 3, isExact: true, names: ["b", "c"])
        #expect(KeySample(of: [dump, none]) == dump)
        #expect(KeySample(of: [dump, more]) == KeySample(count: 7, isExact: false, names: ["a", "b", "c"]))
        #expect(KeySample(of: []).inWords == "no keys")
    }

    @Test func keyNamesAreEscapedForATerminal() {
        let names = sample(
            command("SET", "a\u{1B}[31m\nü", "1") + command("SET", String(repeating: "x", count: 100), "1")
        ).names
        #expect(names == ["a\\x1b[31m\\x0a\\xc3\\xbc", String(repeating: "x", count: 60) + "…"])
    }
}
