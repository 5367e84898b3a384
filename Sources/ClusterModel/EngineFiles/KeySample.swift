/// The keys in data files, as far as their first bytes show them: for an operator who must decide about them.
package struct KeySample: Hashable, Sendable {
    /// nil: the number is unknown without reading everything.
    package var count: Int64?
    /// Whether the number is exact; otherwise it is a minimum.
    package var isExact: Bool
    /// Some of the keys, as an engine would print them.
    package var names: [String]
    /// The data include functions, which have no key.
    package var holdsFunctions = false

    package static let namesKept = 5

    package init(count: Int64?, isExact: Bool, names: [String]) {
        self.count = count
        self.isExact = isExact
        self.names = names
    }

    /// Of one data file.
    /// - Parameters:
    ///   - prefix: the first bytes of the file.
    ///   - fileSize: bytes.
    package init(prefix: [UInt8], fileSize: Int) {
        if RDBReader.begins(prefix) {
            var reader = RDBReader(prefix, fileSize: fileSize)
            self = reader.sample()
        } else {
            self = Self.ofCommands(prefix[...], isWhole: prefix.count >= fileSize)
        }
    }

    /// The data of an engine that loads all of these, one after the other: a key may be in several.
    package init(of parts: [KeySample]) {
        let known = parts.filter { $0.count != 0 }
        self.init(
            count: known.isEmpty ? 0 : known.compactMap(\.count).max(),
            isExact: known.allSatisfy(\.isExact) && known.count <= 1, names: [])
        holdsFunctions = parts.contains(where: \.holdsFunctions)
        for name in known.flatMap(\.names) where !names.contains(name) && names.count < Self.namesKept {
            names.append(name)
        }
    }

    /// `1005 keys (a, b, c, …)`, `at least 1500 keys (a, b)`, `keys`.
    package var inWords: String {
        if count == 0, isExact { return holdsFunctions ? "functions, no keys" : "no keys" }
        let some =
            count.map { ($0 == 0 ? "" : isExact ? "\($0) " : "at least \($0) ") + ($0 == 1 ? "key" : "keys") } ?? "keys"
        let amount = holdsFunctions ? "functions and \(some)" : some
        guard !names.isEmpty else { return amount }
        let isAll = isExact && count == Int64(names.count)
        return "\(amount) (\(names.joined(separator: ", "))\(isAll ? "" : ", …"))"
    }

    /// In commands, the second word is the key, except in commands that are not about a key.
    private static func ofCommands(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> KeySample {
        var reader = CommandWords(bytes)
        // The same name in two databases is two keys.
        var keys = Set<Key>()
        var database: [UInt8] = [48]
        var sample = KeySample(count: 0, isExact: isWhole, names: [])
        while let words = reader.next() {
            guard words.count > 1 else { continue }
            switch String(decoding: words[0], as: UTF8.self).uppercased() {
            case "DEL", "UNLINK", "GETDEL": keys.subtract(words.dropFirst().map { Key(database: database, name: $0) })
            case "SELECT": database = words[1]
            case "FUNCTION": sample.holdsFunctions = true
            case "PUBLISH", "SPUBLISH", "SCRIPT", "EVAL", "EVALSHA", "FLUSHALL", "FLUSHDB":
                continue
            case "MSET":
                for index in stride(from: 1, to: words.count, by: 2) {
                    keys.insert(Key(database: database, name: words[index]))
                }
            default: keys.insert(Key(database: database, name: words[1]))
            }
        }
        // In a longer file, later commands may delete some of them.
        sample.count = Int64(keys.count)
        sample.isExact = isWhole && reader.isAtEnd
        sample.names = keys.sorted { a, b in
            a.database == b.database
                ? a.name.lexicographicallyPrecedes(b.name) : a.database.lexicographicallyPrecedes(b.database)
        }.prefix(namesKept).map { printable($0.name) }
        return sample
    }

    private struct Key: Hashable {
        var database: [UInt8]
        var name: [UInt8]
    }

    /// As redis-cli shows it, and short enough for a line.
    static func printable(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        for byte in bytes.prefix(60) {
            switch byte {
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return bytes.count > 60 ? text + "…" : text
    }
}

extension RDBReader {
    /// The number of keys that the file reports, and the first of them: names after a value that is not a plain string are too expensive to
    /// find.
    mutating func sample() -> KeySample {
        guard let evidence = try? walk() else { return KeySample(count: nil, isExact: false, names: []) }
        guard evidence == .keys else {
            var none = KeySample(count: 0, isExact: true, names: [])
            none.holdsFunctions = evidence == .functions
            return none
        }
        var names: [String] = []
        // `walk` has read the opcode before the first key.
        stepBack()
        while names.count < KeySample.namesKept, let (name, isLast) = try? key() {
            if !name.isEmpty { names.append(KeySample.printable(name)) }
            if isLast { break }
        }
        // Valkey 9 (format 80) may have more databases, and their contents follow all keys of the first one.
        let isAlone = (header?.formatVersion ?? 0) < 80
        var sample = KeySample(count: header?.keys, isExact: header?.keys != nil && isAlone, names: names)
        sample.holdsFunctions = holdsFunctions
        return sample
    }
}

/// The words of the commands in a part of an append-only file, as far as they are complete.
private struct CommandWords {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func next() -> [[UInt8]]? {
        var ahead = rest
        while ahead.first == UInt8(ascii: "#") {
            guard Self.line(&ahead) != nil else { return nil }
        }
        guard let count = Self.number(&ahead, after: UInt8(ascii: "*")), count <= 1 << 20 else { return nil }
        var words: [[UInt8]] = []
        for _ in 0..<count {
            guard let size = Self.number(&ahead, after: UInt8(ascii: "$")), size <= 1 << 40, size + 2 <= ahead.count
            else { return nil }
            words.append(Array(ahead.prefix(size)))
            ahead = ahead.dropFirst(size + 2)
        }
        rest = ahead
        return words
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>, after mark: UInt8) -> Int? {
        guard bytes.first == mark, let text = line(&bytes) else { return nil }
        return text.dropFirst().dropLast().decimal.flatMap { Int(exactly: $0) }
    }

    private static func line(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = bytes.firstIndex(of: 10) else { return nil }
        defer { bytes = bytes[(end + 1)...] }
        return bytes[..<end]
    }
}
