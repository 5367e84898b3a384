/// The auxiliary fields at the start of an RDB (`rdbSaveInfoAuxFields`, src/rdb.c).
package struct RDBHeader: Hashable, Sendable {
    /// The number after the magic word: 9 for 6.2, 10 for 7.0, 11 for 7.2, 12 for 8.x, 80 and up for Valkey 9.
    package var formatVersion: Int
    /// `redis-ver` or `valkey-ver`.
    package var engineVersion: String?
    /// `ctime`, when the save began.
    package var savedAt: WallTime?
    /// Only in a dump of a node that took part in replication.
    package var replicationID: String?
    /// Bytes.
    package var replicationOffset: Int64?
    /// Of the first database that has any (RESIZEDB); nil: the file does not say.
    package var keys: Int64?

    package init(formatVersion: Int) { self.formatVersion = formatVersion }

    mutating func take(_ name: [UInt8], _ value: [UInt8]) {
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: name, as: UTF8.self) {
        case "redis-ver", "valkey-ver": engineVersion = text
        case "ctime": savedAt = value.decimal.flatMap { $0 < 1 << 40 ? WallTime(milliseconds: Int64($0) * 1000) : nil }
        case "repl-id": replicationID = text
        case "repl-offset": replicationOffset = value.signedDecimal
        default: break
        }
    }
}
