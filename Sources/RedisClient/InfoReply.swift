import RESP

/// The parsed reply of INFO: `field:value` lines; section headings are comments.
package struct InfoReply: Hashable, Sendable {
    private let fields: [String: String]

    package init(_ text: String) { fields = Self.read(Array(text.utf8), only: nil) }

    /// Reads only some fields. A reply has two hundred lines, each node sends one every second, and a line that is not read costs only a
    /// comparison of its name.
    /// - Returns: nil unless the reply is a string.
    package init?(_ reply: RESPValue, only selection: Selection) {
        switch reply {
        case .bulk(let bytes): fields = Self.read(bytes, only: selection)
        case .simple(let text): fields = Self.read(Array(text.utf8), only: selection)
        default: return nil
        }
    }

    /// Names of fields to read. The sizes of databases are read besides.
    package struct Selection: Sendable {
        /// The names of each length, with their bytes.
        private var names: [[(bytes: [UInt8], name: String)]] = []

        package init(_ names: [String]) {
            for name in names {
                let bytes = Array(name.utf8)
                while self.names.count <= bytes.count { self.names.append([]) }
                self.names[bytes.count].append((bytes, name))
            }
        }

        fileprivate func name(_ bytes: ArraySlice<UInt8>) -> String? {
            if bytes.starts(with: "db".utf8) { return String(decoding: bytes, as: UTF8.self) }
            guard bytes.count < names.count else { return nil }
            return names[bytes.count].first { bytes.elementsEqual($0.bytes) }?.name
        }
    }

    private static func read(_ bytes: [UInt8], only selection: Selection?) -> [String: String] {
        var fields: [String: String] = [:]
        for line in bytes.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            guard line.first != UInt8(ascii: "#"), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let found = line[..<colon]
            guard let name = selection.map({ $0.name(found) }) ?? String(decoding: found, as: UTF8.self) else {
                continue
            }
            fields[name] = String(decoding: line[line.index(after: colon)...], as: UTF8.self)
        }
        return fields
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
