/// An optional part of the record that seldom changes and is rarely read: one pointer within its owner, which is copied all the time. In
/// JSON it is invisible: its value, or nothing.
@propertyWrapper
package struct Boxed<Value: Sendable & Equatable & Codable>: Sendable, Equatable, Codable {
    private final class Storage: Sendable {
        let value: Value

        init(_ value: Value) { self.value = value }
    }

    private var storage: Storage?

    package init(wrappedValue: Value?) { storage = wrappedValue.map(Storage.init) }

    package var wrappedValue: Value? {
        get { storage?.value }
        set { storage = newValue.map(Storage.init) }
    }

    package static func == (a: Boxed, b: Boxed) -> Bool {
        a.storage === b.storage || a.wrappedValue == b.wrappedValue
    }

    package init(from decoder: any Decoder) throws {
        self.init(wrappedValue: try decoder.singleValueContainer().decode(Value.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

/// The property's synthesized coding goes through these, so that an empty value is encoded as nothing.
extension KeyedDecodingContainer {
    package func decode<Value>(_ type: Boxed<Value>.Type, forKey key: Key) throws -> Boxed<Value> {
        Boxed(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
    }
}

extension KeyedEncodingContainer {
    package mutating func encode<Value>(_ kept: Boxed<Value>, forKey key: Key) throws {
        try encodeIfPresent(kept.wrappedValue, forKey: key)
    }
}
