/// The name by which operators refer to a node: the client port that it got when it was formed, as text. Unique in the cluster, and never
/// changed, even if the node's port later changes.
package struct NodeName: Hashable, Comparable, Sendable, Codable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let text: String
    /// Parsed once: names are compared and looked up all the time.
    private let number: Int?

    package init(_ text: String) {
        self.text = text
        number = Int(text)
    }
    package init(stringLiteral text: String) { self.init(text) }
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package var description: String { text }

    /// Numbers in numeric order and before words, so that 7010 comes after 7009 and not after 701.
    package static func < (a: NodeName, b: NodeName) -> Bool {
        switch (a.number, b.number) {
        case (let x?, let y?): (x, a.text) < (y, b.text)
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): a.text < b.text
        }
    }
    package static func == (a: NodeName, b: NodeName) -> Bool { a.number == b.number && a.text == b.text }
    package func hash(into hasher: inout Hasher) {
        if let number { hasher.combine(number) } else { hasher.combine(text) }
    }
}

/// A Redis node id: 40 lower-case hexadecimal digits (`CLUSTER_NAMELEN`, src/cluster.h). Shard ids have the same form. Stored as its 160
/// bits: views contain many ids, and are compared all the time.
package struct NodeID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt32

    /// All of it, for a digest.
    var words: [UInt64] { [high, middle, UInt64(low)] }

    private init(high: UInt64, middle: UInt64, low: UInt32) {
        (self.high, self.middle, self.low) = (high, middle, low)
    }

    /// nil unless `text` is 40 lower-case hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        self.init(digits: text.utf8)
    }

    init?(digits: some Collection<UInt8>) {
        guard digits.count == 40 else { return nil }
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        for (index, digit) in digits.enumerated() {
            let value: UInt64
            switch digit {
            case 48...57: value = UInt64(digit - 48)
            case 97...102: value = UInt64(digit - 87)
            default: return nil
            }
            switch index {
            case 0..<16: words.0 = words.0 << 4 | value
            case 16..<32: words.1 = words.1 << 4 | value
            default: words.2 = words.2 << 4 | value
            }
        }
        (high, middle, low) = (words.0, words.1, UInt32(words.2))
    }

    /// An id from random words, as the engine generates its own (`getRandomHexChars`, src/util.c).
    package init(using random: inout some RandomNumberGenerator) {
        (high, middle, low) = (random.next(), random.next(), random.next())
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
    package func hash(into hasher: inout Hasher) { hasher.combine(high) }
    package static func < (a: NodeID, b: NodeID) -> Bool { (a.high, a.middle, a.low) < (b.high, b.middle, b.low) }
    package var text: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(40)
        func write(_ word: UInt64, from top: UInt64) {
            for shift in stride(from: top, through: 0, by: -4) {
                let value = UInt8(truncatingIfNeeded: word >> shift & 15)
                digits.append(value < 10 ? value + 48 : value + 87)
            }
        }
        write(high, from: 60)
        write(middle, from: 60)
        write(UInt64(low), from: 28)
        return String(decoding: digits, as: UTF8.self)
    }
    package var description: String { text }
    package var short: String { String(text.prefix(8)) }

    /// The id of the ghost master of the node with this id: every bit inverted, so that it need not be recorded
    /// (docs/decisions/20-born-from-ghosts.md).
    package var ghost: NodeID { NodeID(high: ~high, middle: ~middle, low: ~low) }
}

package enum Role: String, Hashable, Sendable, Codable { case master, replica }
