import ClusterModel

/// Parses single values.
extension SpecReader {
    mutating func fail(_ key: String, _ message: String, hint: String? = nil) {
        let origin = settings.values[key]?.origin ?? .commandLine
        errors.append(ConfigurationError(origin: origin, message: "\(key): \(message)", hint: hint))
    }

    /// nil: absent, or null.
    mutating func text(_ key: String) -> String? {
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

    mutating func path(_ key: String) -> String? {
        guard let path = text(key) else { return nil }
        guard path.hasPrefix("/") else {
            fail(key, "'\(path)' must be an absolute path")
            return nil
        }
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// `127.0.0.1:9655`, `[::1]:9655`.
    mutating func address(_ key: String) -> ClusterSpec.NetworkAddress? {
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

    mutating func count(_ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            fail(key, "'\(text)' is not a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    mutating func duration(_ key: String) -> Duration? {
        guard let text = text(key) else { return nil }
        guard let duration = Quantity.duration(text) else {
            fail(key, "'\(text)' is not a duration such as 200ms, 30s or 5m")
            return nil
        }
        return duration
    }

    mutating func bytes(_ key: String) -> Int64? {
        guard let text = text(key) else { return nil }
        guard let bytes = Quantity.bytes(text) else {
            fail(key, "'\(text)' is not a size such as 512mb")
            return nil
        }
        return bytes
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        // This YAML reader keeps a bare `off` as a word, as intended.
        guard let text = text(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue)
            fail(
                key, "'\(text)' is not one of \(words.joined(separator: ", "))", hint: Spelling.hint(text, among: words)
            )
            return nil
        }
        return choice
    }

    mutating func list(_ key: String) -> [String]? {
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
