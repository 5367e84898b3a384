/// CRC-64/Jones, the checksum at the end of every RDB (`crc64`, src/crc64.c): reflected, initial value 0. It finds damage; it does not
/// protect against an attacker, who can compute it too.
package struct CRC64: Hashable, Sendable {
    package private(set) var value: UInt64 = 0

    package init() {}

    /// The polynomial 0xad93d23594c935a9 with its bits reversed.
    private static let polynomial: UInt64 = 0x95ac_9329_ac4b_c9b5

    /// Eight tables of 256 entries, one after the other: eight bytes are added at once ("slicing by 8"), at about a gigabyte a second.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt64(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ polynomial : crc >> 1 }
            tables[byte] = crc
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = tables[Int(previous & 0xff)] ^ (previous >> 8)
        }
        return tables
    }()

    package mutating func add(_ bytes: ArraySlice<UInt8>) {
        var crc = value
        Self.tables.withUnsafeBufferPointer { table in
            bytes.withUnsafeBufferPointer { bytes in
                var index = 0
                while bytes.count - index >= 8 {
                    for offset in 0..<8 { crc ^= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
                    var next: UInt64 = 0
                    for offset in 0..<8 {
                        next ^= table[(7 - offset) * 256 + Int((crc >> UInt64(8 * offset)) & 0xff)]
                    }
                    crc = next
                    index += 8
                }
                while index < bytes.count {
                    crc = table[Int((crc ^ UInt64(bytes[index])) & 0xff)] ^ (crc >> 8)
                    index += 1
                }
            }
        }
        value = crc
    }
}
