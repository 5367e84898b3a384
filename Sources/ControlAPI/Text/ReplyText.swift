/// The lines of a reply, as redis-cli shows them on a terminal (`cliFormatReplyTTY`, src/redis-cli.c). A text of several lines,
/// such as that of INFO, is shown unchanged.
package enum ReplyText {
    package static func lines(_ answer: CallAnswer) -> [String] {
        guard let type = answer.type else { return ["(no answer) \(plain(answer.error ?? ""))"] }
        switch type {
        case .error: return ["(error) \(plain(answer.error ?? ""))"]
        case .status: return [text(answer.reply)]
        case .bulk:
            guard case .string(let text) = answer.reply, isPage(text) else { return lines(answer.reply) }
            var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
            if lines.last == "" { lines.removeLast() }
            return lines
        default: return lines(answer.reply)
        }
    }

    /// Whether the text has several lines of printable characters.
    private static func isPage(_ text: String) -> Bool {
        text.utf8.dropLast().contains(10)
            && text.unicodeScalars.allSatisfy {
                $0.value >= 32 && $0.value != 127 || "\n\r\t".unicodeScalars.contains($0)
            }
    }

    private static func text(_ value: JSONValue) -> String {
        if case .string(let text) = value { return plain(text) }
        return quoted(value.bytes ?? [])
    }

    /// Removes characters that control a terminal.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
    }

    private static func lines(_ value: JSONValue) -> [String] {
        switch value {
        case .null: return ["(nil)"]
        case .bool(let value): return ["(\(value))"]
        case .integer(let number): return ["(integer) \(number)"]
        case .number(let number): return ["(double) \(number)"]
        case .string(let text): return [quoted(Array(text.utf8))]
        case .object(let members):
            if case .string(let text)? = members["status"] { return [plain(text)] }
            if case .string(let text)? = members["error"] { return ["(error) \(plain(text))"] }
            return [quoted(value.bytes ?? [])]
        case .array(let elements): return elements.isEmpty ? ["(empty array)"] : numbered(elements)
        }
    }

    private static func numbered(_ elements: [JSONValue]) -> [String] {
        let width = String(elements.count).count
        let indent = String(repeating: " ", count: width + 2)
        var result: [String] = []
        for (index, element) in elements.enumerated() {
            let number = String(index + 1)
            let prefix = String(repeating: " ", count: width - number.count) + number + ") "
            for (at, line) in lines(element).enumerated() { result.append((at == 0 ? prefix : indent) + line) }
        }
        return result
    }

    /// Escapes bytes as `sdscatrepr` (src/sds.c) does.
    static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): text += "\\" + String(UnicodeScalar(byte))
            case 10: text += "\\n"
            case 13: text += "\\r"
            case 9: text += "\\t"
            case 7: text += "\\a"
            case 8: text += "\\b"
            case 32...126: text += String(UnicodeScalar(byte))
            default: text += "\\x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
        }
        return text + "\""
    }
}
