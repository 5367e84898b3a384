import ClusterModel
import Testing

@Suite struct RDBDigestTests {
    private func checksum(_ bytes: [UInt8]) -> UInt64 {
        var crc = CRC64()
        crc.add(bytes[...])
        return crc.value
    }

    /// The check value of `crc64Test`, src/crc64.c.
    @Test func theChecksumIsTheOneOfTheEngine() {
        #expect(checksum(Array("123456789".utf8)) == 0xe9c6_d914_c4b8_d9ca)
        #expect(checksum([]) == 0)
    }

    @Test func blocksOfAnyLengthGiveTheSameDigest() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var whole = RDBDigest()
        whole.add(bytes)
        for length in [1, 3, 8, 9, 64, 999] {
            var parts = RDBDigest()
            var rest = bytes[...]
            while !rest.isEmpty {
                parts.add(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            #expect(parts == whole)
        }
    }

    @Test func aFileThatEndsWithItsChecksumIsWhole() {
        let body = Array("123456789".utf8)
        let sum = checksum(body)
        let footer = (0..<8).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) }
        func digest(_ bytes: [UInt8]) -> RDBDigest {
            var digest = RDBDigest()
            digest.add(bytes)
            return digest
        }
        #expect(digest(body + footer).isWhole)
        #expect(digest(body + footer).checksum == "e9c6d914c4b8d9ca")
        #expect(digest(body + [UInt8](repeating: 0, count: 8)).isWhole)
        #expect(!digest(Array("023456789".utf8) + footer).isWhole)
        #expect(!digest(Array((body + footer).dropLast())).isWhole)
        #expect(!digest([1, 2]).isWhole)
    }
}
