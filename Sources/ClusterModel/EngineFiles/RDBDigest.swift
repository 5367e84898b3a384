/// The length and the checksum of an RDB, computed while its bytes pass.
///
/// The checksum is over all bytes but the last eight. Those are the RDB's own checksum of the same bytes, or 0 with `rdbchecksum no`. A
/// CRC over the whole file would be 0 for every intact RDB.
package struct RDBDigest: Hashable, Sendable {
    private var sum = CRC64()
    /// The last bytes so far, at most eight.
    private var end: [UInt8] = []
    package private(set) var bytes: Int64 = 0

    private static let footerBytes = 8

    package init() {}

    package mutating func add(_ block: [UInt8]) {
        bytes += Int64(block.count)
        let joined = end + block
        let cut = max(0, joined.count - Self.footerBytes)
        sum.add(joined[..<cut])
        end = Array(joined[cut...])
    }

    /// 16 hexadecimal digits.
    package var checksum: String {
        let digits = String(sum.value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Whether the file ends with the checksum of its contents, or with none (0).
    package var isWhole: Bool {
        guard end.count == Self.footerBytes else { return false }
        var footer: UInt64 = 0
        for byte in end.reversed() { footer = footer << 8 | UInt64(byte) }
        return footer == 0 || footer == sum.value
    }
}

/// A copy of a node's dump in a backup.
package struct DumpCopy: Hashable, Sendable {
    package var bytes: Int64
    /// As `RDBDigest.checksum`.
    package var checksum: String
    /// What the file says about itself.
    package var header: RDBHeader

    package init(bytes: Int64, checksum: String, header: RDBHeader) {
        self.bytes = bytes
        self.checksum = checksum
        self.header = header
    }
}
