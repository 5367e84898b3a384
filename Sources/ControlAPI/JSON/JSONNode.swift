/// A JSON text under construction. It is a class, so that a container can continue to fill its part.
final class JSONNode {
    enum Content {
        /// A number, `true`, `false`, `null`, or a string with its quotes and escapes.
        case scalar(String)
        case array([JSONNode])
        case object([(name: String, value: JSONNode)])
    }

    var content: Content

    init(_ content: Content = .scalar("null")) { self.content = content }

    convenience init(quoting string: String) { self.init(.scalar(Self.quoted(string))) }

    func append(_ node: JSONNode) {
        guard case .array(var elements) = content else { return }
        content = .scalar("null")
        elements.append(node)
        content = .array(elements)
    }

    func append(_ node: JSONNode, named name: String) {
        guard case .object(var members) = content else { return }
        content = .scalar("null")
        members.append((name, node))
        content = .object(members)
    }

    func text(pretty: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes, pretty: pretty, depth: 0)
        return bytes
    }

    private func write(to bytes: inout [UInt8], pretty: Bool, depth: Int) {
        func newLine(_ depth: Int) {
            guard pretty else { return }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
        }
        switch content {
        case .scalar(let text):
            bytes.append(contentsOf: text.utf8)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(depth + 1)
                element.write(to: &bytes, pretty: pretty, depth: depth + 1)
            }
            if !elements.isEmpty { newLine(depth) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(depth + 1)
                bytes.append(contentsOf: Self.quoted(member.name).utf8)
                bytes.append(UInt8(ascii: ":"))
                if pretty { bytes.append(UInt8(ascii: " ")) }
                member.value.write(to: &bytes, pretty: pretty, depth: depth + 1)
            }
            if !members.isEmpty { newLine(depth) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// RFC 8259, section 7: escapes quotes, backslashes and characters below U+0020.
    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
