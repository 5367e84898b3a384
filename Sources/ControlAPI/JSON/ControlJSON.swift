import FoundationEssentials

/// The JSON of every document that client and daemon exchange or print.
package enum ControlJSON {
    /// Members stand in the order in which the type declares them, and an optional that is nil is `null`, never absent:
    /// the two things that Foundation's encoder does otherwise. On one line, or indented for people.
    package static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = OrderedJSONEncoder()
        try value.encode(to: encoder)
        return encoder.node.text(pretty: pretty)
    }

    /// Members that are not known are passed over, and an optional may be absent, so that client and daemon of different
    /// versions understand each other.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
