/// The text of INFO: `field:value` lines; sections are comments.
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
    package func integer(_ field: String) -> Int64? { fields[field].flatMap { Int64($0) } }
}
