/// The contents of one file of an append-only file: commands, or an RDB followed by commands.
package struct AOFContent: Hashable, Sendable {
    package var evidence: DataEvidence
    package var header: RDBHeader?

    /// No bytes, or only SELECT commands and comments (`#TS:…`, from `aof-timestamp-enabled`), count as no keys. A FLUSHALL counts as keys:
    /// an operator may need to recover what was written before it.
    /// - Parameters:
    ///   - prefix: the first bytes of the file. A file without keys that is longer than this is `unreadable`.
    ///   - fileSize: bytes.
    package static func inspect(prefix: [UInt8], fileSize: Int) -> AOFContent {
        var start = 0
        var header: RDBHeader?
        var evidence = DataEvidence.noKeys
        if RDBReader.begins(prefix) {
            var reader = RDBReader(prefix, fileSize: fileSize)
            do {
                evidence = try reader.walk()
            } catch {
                return AOFContent(evidence: .unreadable(error.why), header: reader.header)
            }
            header = reader.header
            start = reader.position
            if evidence == .keys { return AOFContent(evidence: .keys, header: header) }
        }
        let commands = evidenceOfCommands(prefix[start...], isWhole: prefix.count >= fileSize)
        return AOFContent(evidence: commands == .noKeys ? evidence : commands, header: header)
    }

    /// Whether a file of any name begins like a part of an append-only file.
    package static func begins(_ prefix: [UInt8]) -> Bool {
        if RDBReader.begins(prefix) || prefix.starts(with: "#TS:".utf8) { return true }
        return prefix.first == UInt8(ascii: "*") && prefix.dropFirst().first.map { (49...57).contains($0) } == true
    }

    private static func evidenceOfCommands(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> DataEvidence {
        let short = DataEvidence.unreadable(isWhole ? "is cut short" : "is too long to be without keys")
        var reader = AOFReader(bytes)
        while !reader.isAtEnd {
            switch reader.next() {
            case .comment: continue
            case .select: continue
            case .otherCommand: return .keys
            case .cutShort: return short
            case .malformed: return .unreadable("contains bytes that are not a command")
            }
        }
        return isWhole ? .noKeys : short
    }
}

/// Commands as written to an append-only file: arrays of bulk strings (`catAppendOnlyGenericCommand`, src/aof.c).
private struct AOFReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    enum Item {
        case comment
        case select
        /// It may be cut short after its name.
        case otherCommand
        case cutShort
        case malformed
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func next() -> Item {
        if rest.first == UInt8(ascii: "#") { return line() == nil ? .cutShort : .comment }
        switch number(after: UInt8(ascii: "*")) {
        case .number(let count):
            guard (1...1024 * 1024).contains(count) else { return .malformed }
            return command(count)
        case .cutShort: return .cutShort
        case .malformed: return .malformed
        }
    }

    private mutating func command(_ count: Int) -> Item {
        for index in 0..<count {
            switch number(after: UInt8(ascii: "$")) {
            case .number(let size):
                guard size + 2 <= rest.count else { return .cutShort }
                let argument = rest.prefix(size)
                guard rest.dropFirst(size).starts(with: [13, 10]) else { return .malformed }
                if index == 0, count != 2 || !Self.select.contains(where: argument.elementsEqual) {
                    return .otherCommand
                }
                rest = rest.dropFirst(size + 2)
            case .cutShort: return .cutShort
            case .malformed: return .malformed
            }
        }
        return .select
    }

    private static let select = [Array("SELECT".utf8), Array("select".utf8)]

    private enum Number {
        case number(Int)
        case cutShort
        case malformed
    }

    private mutating func number(after mark: UInt8) -> Number {
        guard let first = rest.first else { return .cutShort }
        guard first == mark else { return .malformed }
        guard let text = line() else { return rest.count < 32 ? .cutShort : .malformed }
        guard text.last == 13, let number = text.dropFirst().dropLast().decimal, number <= 1 << 40 else {
            return .malformed
        }
        return .number(Int(number))
    }

    /// Up to the newline, without it; nil if there is none.
    private mutating func line() -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 10) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return rest[..<end]
    }
}
