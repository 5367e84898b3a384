/// A reply in RESP2, or in the part of RESP3 that a client may receive.
package indirect enum RESPValue: Hashable, Sendable {
    case simple(String)
    /// The server's error text: `ERR unknown command`.
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case array([RESPValue])
    case null
    case boolean(Bool)
    case double(Double)
    /// Alternating keys and values, in the order in which they arrived.
    case map([RESPValue])

    /// The text of a simple or bulk string.
    package var text: String? {
        switch self {
        case .simple(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        default: nil
        }
    }
    package var elements: [RESPValue]? {
        switch self {
        case .array(let values), .map(let values): values
        default: nil
        }
    }
    package var errorText: String? {
        guard case .error(let text) = self else { return nil }
        return text
    }
}

/// A command: words of arbitrary bytes, sent as an array of bulk strings.
package struct RESPCommand: Hashable, Sendable {
    package var words: [[UInt8]]

    package init(_ words: String...) { self.init(words) }
    package init(_ words: [String]) { self.words = words.map { Array($0.utf8) } }
    package init(bytes words: [[UInt8]]) { self.words = words }

    /// The command name, for messages.
    package var name: String { words.first.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    package var bytes: [UInt8] {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.count)\r\n".utf8) + word + [13, 10] }
        return bytes
    }
}
