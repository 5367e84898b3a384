/// A redis.conf: one directive per line, with the engine's own quoting (`sdssplitargs`, src/sds.c).
package struct RedisConfFile: Hashable, Sendable {
    package struct Directive: Hashable, Sendable {
        /// From 1.
        package var line: Int
        /// Lower case.
        package var name: String
        package var arguments: [String]
    }

    package var directives: [Directive] = []
    /// Lines with unclosed quotes; the engine would reject the file.
    package var malformedLines: [Int] = []

    package init(_ bytes: [UInt8]) {
        for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let text = line.drop { Self.isSpace($0) }
            guard let first = text.first, first != UInt8(ascii: "#") else { continue }
            if let words = Self.split(text), let name = words.first {
                directives.append(
                    Directive(line: index + 1, name: name.lowercased(), arguments: Array(words.dropFirst())))
            } else {
                malformedLines.append(index + 1)
            }
        }
    }

    /// The arguments of the last line with this directive: the one that the engine uses, for directives that do not accumulate.
    package func arguments(_ name: String) -> [String]? { directives.last { $0.name == name }?.arguments }

    package func value(_ name: String) -> String? { arguments(name)?.first }
}

extension RedisConfFile {
    /// The words of a line; nil if a quote does not close, or text follows the closing quote directly.
    static func split(_ line: some Collection<UInt8>) -> [String]? {
        let bytes = Array(line)
        var at = 0
        var words: [String] = []
        while true {
            while at < bytes.count, isSpace(bytes[at]) { at += 1 }
            guard at < bytes.count else { return words }
            var word: [UInt8] = []
            while at < bytes.count, !isSpace(bytes[at]) {
                let quote = bytes[at]
                at += 1
                guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                    word.append(quote)
                    continue
                }
                guard let end = quoted(bytes, from: at, quote: quote, into: &word) else { return nil }
                at = end
                guard at == bytes.count || isSpace(bytes[at]) else { return nil }
            }
            words.append(String(decoding: word, as: UTF8.self))
        }
    }

    /// Reads up to the closing quote and returns the position after it.
    private static func quoted(_ bytes: [UInt8], from start: Int, quote: UInt8, into word: inout [UInt8]) -> Int? {
        var at = start
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == quote { return at }
            guard byte == UInt8(ascii: "\\"), at < bytes.count else {
                word.append(byte)
                continue
            }
            let escaped = bytes[at]
            if quote == UInt8(ascii: "'") {
                word.append(escaped == quote ? quote : byte)
                if escaped == quote { at += 1 }
            } else if escaped == UInt8(ascii: "x"), at + 2 < bytes.count, let high = hexadecimal(bytes[at + 1]),
                let low = hexadecimal(bytes[at + 2])
            {
                word.append(high << 4 | low)
                at += 3
            } else {
                word.append(escapes.first { $0.letter == escaped }?.byte ?? escaped)
                at += 1
            }
        }
        return nil
    }

    /// One line, without its newline, that the engine reads as exactly these arguments.
    package static func render(name: String, arguments: [String]) -> String {
        ([name] + arguments.map(quotedIfNeeded)).joined(separator: " ")
    }

    private static func quotedIfNeeded(_ argument: String) -> String {
        let plain = argument.utf8.allSatisfy { byte in
            byte > 32 && byte != 127 && !"\"'\\".utf8.contains(byte)
        }
        if plain, !argument.isEmpty { return argument }
        var bytes = [UInt8(ascii: "\"")]
        for byte in argument.utf8 {
            if let escape = escapes.first(where: { $0.byte == byte }) {
                bytes += [UInt8(ascii: "\\"), escape.letter]
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes += [UInt8(ascii: "\\"), byte]
            } else if byte < 32 || byte == 127 {
                bytes += Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static let escapes: [(letter: UInt8, byte: UInt8)] = [
        (UInt8(ascii: "n"), 10), (UInt8(ascii: "r"), 13), (UInt8(ascii: "t"), 9), (UInt8(ascii: "b"), 8),
        (UInt8(ascii: "a"), 7),
    ]

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
