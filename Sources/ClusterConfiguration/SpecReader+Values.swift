import ClusterModel

/// Parses single values, one function for each form. nil: absent, null, or invalid.
extension SpecReader {
    mutating func fail(_ key: ConfigurationKey, _ message: String, hint: String? = nil) {
        let origin = settings.values[key]?.origin ?? .commandLine
        errors.append(ConfigurationError(origin: origin, message: "\(key.path): \(message)", hint: hint))
    }

    /// Whether null is written, rather than nothing.
    func isNull(_ key: ConfigurationKey) -> Bool { settings.values[key]?.node.isNull == true }

    mutating func text(_ key: ConfigurationKey) -> String? {
        guard let value = settings.values[key], !value.node.isNull else { return nil }
        guard let text = value.node.scalar else {
            fail(key, "one value is expected")
            return nil
        }
        guard text.utf8.allSatisfy({ $0 >= 32 }) else {
            fail(key, "control characters and line breaks are not allowed")
            return nil
        }
        return text
    }

    mutating func name(_ key: ConfigurationKey) -> String? {
        guard let name = text(key) else { return nil }
        let isName = name.utf8.allSatisfy {
            ("a"..."z").contains(Character(UnicodeScalar($0))) || ("A"..."Z").contains(Character(UnicodeScalar($0)))
                || ("0"..."9").contains(Character(UnicodeScalar($0))) || "-_.".utf8.contains($0)
        }
        guard isName, name.utf8.count <= 64 else {
            fail(key, "a name consists of at most 64 letters, digits, '-', '_' and '.'")
            return nil
        }
        return name
    }

    mutating func path(_ key: ConfigurationKey) -> String? {
        guard let path = text(key) else { return nil }
        guard path.hasPrefix("/") else {
            fail(key, "'\(path)' must be an absolute path")
            return nil
        }
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// An address that the nodes announce. It is returned even if it is invalid.
    mutating func host(_ key: ConfigurationKey) -> String? {
        guard let host = text(key) else { return nil }
        if let why = AddressRules.complaint(announced: host) { fail(key, why) }
        return host
    }

    /// Addresses that the engine binds. They are returned even if some are invalid.
    mutating func addresses(_ key: ConfigurationKey) -> [String]? {
        guard let addresses = list(key) else { return nil }
        for address in addresses where !BindAddress(address).isValid {
            fail(key, "'\(address)' is not an IP address")
        }
        if addresses.isEmpty { fail(key, "at least one address is needed") }
        if addresses.count > AddressRules.mostBound {
            fail(key, "the engine binds at most \(AddressRules.mostBound) addresses")
        }
        return addresses
    }

    /// `127.0.0.1:9655`, `[::1]:9655`.
    mutating func networkAddress(_ key: ConfigurationKey) -> ClusterSpec.NetworkAddress? {
        guard let text = text(key) else { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = Quantity.port(String(text[text.index(after: colon)...]))
        else {
            fail(key, "'\(text)' is not an address with a port such as 127.0.0.1:9655")
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard BindAddress(host).isValid, host != "*" else {
            fail(key, "'\(host)' is not an IP address")
            return nil
        }
        return .init(host: host, port: port)
    }

    mutating func count(_ key: ConfigurationKey, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            fail(key, "'\(text)' is not a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    mutating func duration(_ key: ConfigurationKey) -> Duration? {
        guard let text = text(key) else { return nil }
        guard let duration = Quantity.duration(text) else {
            fail(key, "'\(text)' is not a duration such as 200ms, 30s or 5m")
            return nil
        }
        return duration
    }

    mutating func durationRange(_ key: ConfigurationKey) -> ClusterSpec.Supervision.RestartDelay? {
        guard let text = text(key) else { return nil }
        guard let (first, last) = Quantity.durationRange(text) else {
            fail(key, "'\(text)' is not a range of durations such as 200ms..30s")
            return nil
        }
        return .init(first: first, last: last)
    }

    mutating func failback(_ key: ConfigurationKey) -> ClusterSpec.Supervision.Failback? {
        guard let text = text(key) else { return nil }
        if text == "never" { return .never }
        if text == "when-idle" { return .whenIdle }
        guard let duration = Quantity.duration(text) else {
            fail(key, "'\(text)' is neither never nor when-idle nor a duration such as 30m")
            return nil
        }
        return .after(duration)
    }

    mutating func size(_ key: ConfigurationKey) -> Int64? {
        guard let text = text(key) else { return nil }
        guard let bytes = Quantity.bytes(text) else {
            fail(key, "'\(text)' is not a size such as 512mb")
            return nil
        }
        return bytes
    }

    mutating func word(_ key: ConfigurationKey, among words: [String]) -> String? {
        // This YAML reader keeps a bare `off` as a word, as intended.
        guard let text = text(key) else { return nil }
        guard words.contains(text) else {
            fail(
                key, "'\(text)' is not one of \(words.joined(separator: ", "))", hint: Spelling.hint(text, among: words)
            )
            return nil
        }
        return text
    }

    /// A port, a range, or a list. Of an invalid list, the valid ports are returned.
    mutating func ports(_ key: ConfigurationKey) -> ClusterSpec.PortChoice? {
        guard let value = settings.values[key], !value.node.isNull else { return nil }
        switch value.node.content {
        case .scalar(let text, _):
            if let port = Quantity.port(text) { return .from(port) }
            if let range = Quantity.portRange(text) { return .range(range) }
            fail(key, "'\(text)' is neither a port (1 to 65535) nor a range such as 7000-7099")
            return nil
        case .sequence(let elements):
            var ports: [Int] = []
            for element in elements {
                if let port = element.scalar.flatMap(Quantity.port) {
                    if ports.contains(port) { fail(key, "\(port) is listed twice") }
                    ports.append(port)
                } else {
                    fail(key, "a list of ports must contain numbers from 1 to 65535")
                }
            }
            return .list(ports)
        case .mapping:
            fail(key, "a port, a list of ports or a range such as 7000-7099 is expected")
            return nil
        }
    }

    private mutating func list(_ key: ConfigurationKey) -> [String]? {
        guard let value = settings.values[key], !value.node.isNull else { return nil }
        switch value.node.content {
        case .scalar(let text, _): return text.split { $0 == " " || $0 == "," }.map(String.init)
        case .sequence(let elements): return elements.compactMap(\.scalar)
        case .mapping:
            fail(key, "one value or a list is expected")
            return nil
        }
    }
}
