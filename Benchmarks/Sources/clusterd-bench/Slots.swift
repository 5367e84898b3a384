/// Keys by slot.
enum Slots {
    static let count = 16384

    /// One key for each slot, found by hashing numbers until every slot has one.
    static let keys: [String] = {
        var keys = [String](repeating: "", count: count)
        var (number, missing) = (0, count)
        while missing > 0 {
            let key = "bench\(number)"
            let slot = slot(of: key)
            if keys[slot].isEmpty {
                keys[slot] = key
                missing -= 1
            }
            number += 1
        }
        return keys
    }()

    /// CRC16 of XMODEM, as Redis Cluster hashes keys without braces.
    static func slot(of key: String) -> Int {
        var crc: UInt16 = 0
        for byte in key.utf8 {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
        return Int(crc) % count
    }
}
