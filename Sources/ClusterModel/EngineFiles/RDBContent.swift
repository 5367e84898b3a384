/// The contents of an RDB, from its first bytes: enough to find the first key, or to see that there is none.
package struct RDBContent: Hashable, Sendable {
    package var evidence: DataEvidence
    package var header: RDBHeader?

    /// - Parameters:
    ///   - prefix: the first bytes of the file. A file without keys that is longer than this is `unreadable`.
    ///   - fileSize: bytes.
    package static func inspect(prefix: [UInt8], fileSize: Int) -> RDBContent {
        var reader = RDBReader(prefix, fileSize: fileSize)
        do throws(RDBTrouble) {
            let evidence = try reader.walk()
            guard evidence != .keys else { return RDBContent(evidence: .keys, header: reader.header) }
            guard reader.position == fileSize else { throw RDBTrouble("continues after its end mark") }
            return RDBContent(evidence: evidence, header: reader.header)
        } catch {
            return RDBContent(evidence: .unreadable(error.why), header: reader.header)
        }
    }
}

struct RDBTrouble: Error {
    var why: String

    init(_ why: String) { self.why = why }
}

/// Walks the opcodes of an RDB (src/rdb.h) up to the first key or the end mark.
struct RDBReader {
    private let bytes: [UInt8]
    private let fileSize: Int
    private(set) var position = 0
    private(set) var header: RDBHeader?
    /// Functions precede the first key.
    private(set) var holdsFunctions = false

    init(_ prefix: [UInt8], fileSize: Int) {
        bytes = prefix
        self.fileSize = fileSize
    }

    static func begins(_ prefix: [UInt8]) -> Bool { magic(prefix) != nil }

    /// `REDIS0011`, and from Valkey 9 on `VALKEY080`: nine bytes.
    private static func magic(_ prefix: [UInt8]) -> Int? {
        let head = prefix.prefix(9)
        guard head.count == 9 else { return nil }
        for word in ["REDIS", "VALKEY"] where head.starts(with: word.utf8) {
            return head.dropFirst(word.utf8.count).decimal.map(Int.init)
        }
        return nil
    }

    /// `keys` at the first key; `noKeys` or `functions` with `position` after the checksum.
    mutating func walk() throws(RDBTrouble) -> DataEvidence {
        guard let version = Self.magic(bytes) else { throw RDBTrouble("does not begin as an RDB") }
        position = 9
        header = RDBHeader(formatVersion: version)
        var evidence = DataEvidence.noKeys
        while true {
            let opcode = try byte()
            switch opcode {
            case 255:
                try checksum(version)
                return evidence
            case 250:
                let name = try string()
                let value = try string()
                header?.take(name, value)
            case 245:
                _ = try string()
                evidence = .functions
                holdsFunctions = true
            case 254: _ = try length()
            case 251:
                let size = try length()
                if header?.keys == nil { header?.keys = Int64(size) }
                _ = try length()
            // SLOT_INFO of Redis 7.4 and 8, and of Valkey: the slot, its size, its number of keys that expire.
            case 244: for _ in 0..<3 { _ = try length() }
            // EXPIRETIME_MS, EXPIRETIME, IDLE, FREQ: for the key that follows.
            case 248, 249, 252, 253: return .keys
            case 246: throw RDBTrouble("holds functions in the form of a release candidate of 7.0")
            case 247: throw RDBTrouble("holds data of a module")
            // Value types; the highest of Redis 8 and Valkey 9 are below 32.
            case 0..<64: return .keys
            default: throw RDBTrouble("has the unknown opcode \(opcode)")
            }
        }
    }

    mutating func stepBack() { position -= 1 }

    /// The name of the key that begins here, and whether its value cannot be skipped.
    mutating func key() throws(RDBTrouble) -> (name: [UInt8], isLast: Bool) {
        while true {
            let opcode = try byte()
            switch opcode {
            case 252: _ = try take(8)
            case 253: _ = try take(4)
            case 248: _ = try length()
            case 249: _ = try byte()
            case 244: for _ in 0..<3 { _ = try length() }
            case 0:
                let name = try string()
                _ = try string()
                return (name, false)
            case 1..<64: return (try string(), true)
            default: throw RDBTrouble("has no further key here")
            }
        }
    }

    /// From version 5 on, a CRC64 of all preceding bytes, or zeroes with `rdbchecksum no`.
    private mutating func checksum(_ version: Int) throws(RDBTrouble) {
        guard version >= 5 else { return }
        let end = position
        let stored = try take(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard stored == 0 || stored == crc64(bytes[..<end]) else { throw RDBTrouble("has a wrong checksum") }
    }

    private mutating func byte() throws(RDBTrouble) -> UInt8 { try take(1)[0] }

    private mutating func take(_ count: Int) throws(RDBTrouble) -> [UInt8] {
        guard count <= bytes.count - position else {
            throw RDBTrouble(
                bytes.count < fileSize
                    ? "has no key in its first \(bytes.count) bytes, and more was not read" : "is cut short")
        }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    private enum Length {
        case plain(Int)
        case special(UInt8)
    }

    /// `rdbLoadLenByRef`, src/rdb.c.
    private mutating func encodedLength() throws(RDBTrouble) -> Length {
        let first = try byte()
        switch first >> 6 {
        case 0: return .plain(Int(first & 0x3F))
        case 1: return .plain(Int(first & 0x3F) << 8 | Int(try byte()))
        case 3: return .special(first & 0x3F)
        default:
            guard first == 0x80 || first == 0x81 else { throw RDBTrouble("has a length of unknown form") }
            let number = try take(first == 0x80 ? 4 : 8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let length = Int(exactly: number) else { throw RDBTrouble("has an impossible length") }
            return .plain(length)
        }
    }

    private mutating func length() throws(RDBTrouble) -> Int {
        guard case .plain(let length) = try encodedLength() else {
            throw RDBTrouble("has a string where a length should be")
        }
        return length
    }

    /// Numbers are returned as their decimal text, as `rdbGenericLoadStringObject` does; for a compressed string only its position is
    /// known, and it is returned as no bytes.
    private mutating func string() throws(RDBTrouble) -> [UInt8] {
        switch try encodedLength() {
        case .plain(let count): return try take(count)
        case .special(0): return Array("\(Int8(bitPattern: try byte()))".utf8)
        case .special(1): return Array("\(Int16(bitPattern: UInt16(try littleEndian(2))))".utf8)
        case .special(2): return Array("\(Int32(bitPattern: UInt32(try littleEndian(4))))".utf8)
        case .special(3):
            let compressed = try length()
            _ = try length()
            _ = try take(compressed)
            return []
        case .special(let form): throw RDBTrouble("has a string of the unknown form \(form)")
        }
    }

    private mutating func littleEndian(_ count: Int) throws(RDBTrouble) -> UInt64 {
        try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}

/// CRC64 "Jones", bits reflected, initial value 0 (src/crc64.c).
private func crc64(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var crc: UInt64 = 0
    for byte in bytes {
        crc ^= UInt64(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x95AC_9329_AC4B_C9B5 : crc >> 1 }
    }
    return crc
}
