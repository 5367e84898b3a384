/// The parsed reply of INFO: `field:value` lines; section headings are comments.
package struct InfoReply: Hashable, Sendable {
    private var fields: [String: String] = [:]

    package init(_ text: String) {
        for line in text.split(whereSeparator: { $0 == "\r\n" || $0 == "\n" || $0 == "\r" }) where !line.hasPrefix("#")
        {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[String(line[..<colon])] = String(line[line.index(after: colon)...])
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
