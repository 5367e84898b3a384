/// What people call a node: the client port that it got when it was formed, as text. Unique in the cluster, and never
/// changed, also when the node's port later does.
package struct NodeName: Hashable, Comparable, Sendable, Codable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }
    package init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package var description: String { text }

    /// Numbers in numeric order and before words, so that 7010 stands after 7009 and not after 701.
    package static func < (a: NodeName, b: NodeName) -> Bool {
        switch (Int(a.text), Int(b.text)) {
        case (let x?, let y?): (x, a.text) < (y, b.text)
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): a.text < b.text
        }
    }
}

/// A Redis node id: 40 lower-case hexadecimal digits (`CLUSTER_NAMELEN`, src/cluster.h). Shard ids have the same form.
package struct NodeID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    /// nil unless `text` is 40 lower-case hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 40, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return nil
        }
        self.text = String(text)
    }

    /// An id out of random words, as the engine makes its own (`getRandomHexChars`, src/util.c).
    package init(using random: inout some RandomNumberGenerator) {
        let digits = Array("0123456789abcdef".utf8)
        text = String(decoding: (0..<40).map { _ in digits[Int.random(in: 0..<16, using: &random)] }, as: UTF8.self)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = NodeID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a Redis node id")
        }
        self = id
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package static func < (a: NodeID, b: NodeID) -> Bool { a.text < b.text }
    package var description: String { text }
    package var short: String { String(text.prefix(8)) }
}

package enum Role: String, Hashable, Sendable, Codable { case master, replica }
