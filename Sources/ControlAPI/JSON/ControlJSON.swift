import FoundationEssentials

/// The JSON of every document that client and daemon exchange or print.
package enum ControlJSON {
    /// Encodes members in the order in which the type declares them, and nil as `null`, never as an absent member; Foundation's
    /// encoder does neither. The result is one line, or indented text.
    package static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = OrderedJSONEncoder()
        try value.encode(to: encoder)
        return encoder.node.text(pretty: pretty)
    }

    /// Ignores unknown members, and optional members may be absent, so that client and daemon of different versions are
    /// compatible.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
