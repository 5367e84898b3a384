/// A reply, in RESP2 and as much of RESP3 as a client may meet.
package indirect enum RESPValue: Hashable, Sendable {
    case simple(String)
    /// The server's own words: `ERR unknown command`.
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case array([RESPValue])
    case null
    case boolean(Bool)
    case double(Double)
    /// Pairs in the order in which they came.
    case map([RESPValue])

    /// Text of a simple or a bulk string.
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

/// A command: words, sent as an array of bulk strings.
package struct RESPCommand: Hashable, Sendable {
    package var words: [String]

    package init(_ words: String...) { self.words = words }
    package init(_ words: [String]) { self.words = words }

    package var bytes: [UInt8] {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words {
            bytes += Array("$\(word.utf8.count)\r\n".utf8) + Array(word.utf8) + [13, 10]
        }
        return bytes
    }
}
