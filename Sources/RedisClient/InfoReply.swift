/// The parsed reply of INFO: `field:value` lines; section headings are comments.
package struct InfoReply: Hashable, Sendable {
    private let fields: [String: String]

    /// By bytes: a reply has two hundred lines, and each node sends one every second.
    package init(_ text: String) {
        var text = text
        fields = text.withUTF8 { bytes in
            var fields: [String: String] = [:]
            for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
                guard line.first != UInt8(ascii: "#"), let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                    continue
                }
                let name = String(decoding: line[..<colon], as: UTF8.self)
                fields[name] = String(decoding: line[line.index(after: colon)...], as: UTF8.self)
            }
            return fields
        }
    }

    package subscript(field: String) -> String? { fields[field] }
    /// The number of keys of each non-empty database, by database number: `db1:keys=50,expires=0,avg_ttl=0`.
    package var keysOfDatabases: [Int: Int64] {
        var found: [Int: Int64] = [:]
        for (name, value) in fields where name.hasPrefix("db") {
            guard let number = Int(name.dropFirst(2)),
                let keys = value.split(separator: ",").first(where: { $0.hasPrefix("keys=") }),
                let count = Int64(keys.dropFirst(5)), count > 0
            else { continue }
            found[number] = count
        }
        return found
    }

    package func integer(_ field: String) -> Int64? { fields[field].flatMap { Int64($0) } }
}
