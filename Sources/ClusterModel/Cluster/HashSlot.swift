/// The hash slot of a key: CRC16 of it, or of its hash tag, modulo 16384 (`keyHashSlot`, src/cluster.c). The tag is the text between the
/// first `{` and the first `}` after it, unless that is empty.
package func hashSlot(of key: [UInt8]) -> Int {
    var hashed = key[...]
    if let open = key.firstIndex(of: UInt8(ascii: "{")),
        let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
    {
        hashed = key[(open + 1)..<close]
    }
    return Int(crc16(hashed)) % SlotSet.slotCount
}

/// CRC16-CCITT in its XMODEM form: polynomial 1021, initial value 0, no reflection (src/crc16.c).
private func crc16(_ bytes: ArraySlice<UInt8>) -> UInt16 {
    var crc: UInt16 = 0
    for byte in bytes {
        crc ^= UInt16(byte) << 8
        for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
    return crc
}
