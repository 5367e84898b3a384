/// Builds a `JSONNode` from any Encodable. `ControlJSON.encode` explains why Foundation's encoder is not used.
struct OrderedJSONEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(into node: JSONNode = JSONNode()) { self.node = node }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.content {} else { node.content = .object([]) }
        return KeyedEncodingContainer(KeyedContainer<Key>(node: node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = node.content {} else { node.content = .array([]) }
        return UnkeyedContainer(node: node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleValueContainer(node: node) }

    /// Recognises scalars by their type, so that each container needs one generic method instead of one for each of the fourteen
    /// scalar types.
    static func encode(_ value: some Encodable, into node: JSONNode) throws {
        switch value {
        case let value as String: node.content = JSONNode(quoting: value).content
        case let value as Bool: node.content = .scalar(value ? "true" : "false")
        case let value as any BinaryInteger: node.content = .scalar("\(value)")
        // JSON has neither infinity nor NaN.
        case let value as Double: node.content = .scalar(value.isFinite ? "\(value)" : "null")
        case let value as Float: node.content = .scalar(value.isFinite ? "\(value)" : "null")
        default: try value.encode(to: OrderedJSONEncoder(into: node))
        }
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    private func child(_ key: some CodingKey) -> JSONNode {
        let child = JSONNode()
        node.append(child, named: key.stringValue)
        return child
    }

    func encodeNil(forKey key: Key) { _ = child(key) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try OrderedJSONEncoder.encode(value, into: child(key))
    }

    // Encodes nil as `null`. The standard library's defaults omit the member, and there is one for each scalar type.
    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try present(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try present(value, key) }
    private func present(_ value: (some Encodable)?, _ key: Key) throws {
        let child = child(key)
        if let value { try OrderedJSONEncoder.encode(value, into: child) }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> { OrderedJSONEncoder(into: child(key)).container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        OrderedJSONEncoder(into: child(key)).unkeyedContainer()
    }
    func superEncoder() -> any Encoder {
        let child = JSONNode()
        node.append(child, named: "super")
        return OrderedJSONEncoder(into: child)
    }
    func superEncoder(forKey key: Key) -> any Encoder { OrderedJSONEncoder(into: child(key)) }
}

private struct UnkeyedContainer: UnkeyedEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    var count: Int {
        guard case .array(let elements) = node.content else { return 0 }
        return elements.count
    }

    private func child() -> JSONNode {
        let child = JSONNode()
        node.append(child)
        return child
    }

    func encodeNil() { _ = child() }
    func encode(_ value: some Encodable) throws { try OrderedJSONEncoder.encode(value, into: child()) }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        OrderedJSONEncoder(into: child()).container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        OrderedJSONEncoder(into: child()).unkeyedContainer()
    }
    func superEncoder() -> any Encoder { OrderedJSONEncoder(into: child()) }
}

private struct SingleValueContainer: SingleValueEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    func encodeNil() { node.content = .scalar("null") }
    func encode(_ value: some Encodable) throws { try OrderedJSONEncoder.encode(value, into: node) }
}
