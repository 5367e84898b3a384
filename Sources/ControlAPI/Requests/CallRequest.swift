import ClusterModel
import FoundationEssentials

/// The body of `POST /v1/call`: one Redis command for many nodes.
package struct CallRequest: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        case all
        case masters
        case replicas
        /// Nodes by name, port, host:port, or the beginning of the id.
        case nodes([String])
    }

    /// The words of the command, of any bytes. The first one is its name.
    package var command: [[UInt8]]
    package var target: Target
    /// The timeout for each node.
    package var timeout: Duration

    package static let defaultTimeout = Duration.seconds(5)
    package static let longestTimeout = Duration.seconds(3600)

    package init(_ command: [[UInt8]], on target: Target = .all, timeout: Duration = Self.defaultTimeout) {
        self.command = command
        self.target = target
        self.timeout = timeout
    }

    /// Commands after which a connection does not follow the request-reply pattern any more.
    private static let endless: Set<String> = [
        "monitor", "psubscribe", "psync", "ssubscribe", "subscribe", "sync",
    ]

    /// Why the request is invalid; nil: it is valid.
    package var objection: String? {
        guard let first = command.first, !first.isEmpty else { return "'command' has no words" }
        let name = String(decoding: first, as: UTF8.self)
        guard !Self.endless.contains(name.lowercased()) else {
            return "\(name) does not end; it needs its own connection (clusterd shell)"
        }
        guard timeout > .zero, timeout <= Self.longestTimeout else { return "'timeout' is not between 1ms and 1h" }
        return nil
    }

    package var json: [UInt8] {
        var members: [String: JSONValue] = [
            "command": .array(command.map { .bytes($0) }), "timeout": .string("\(timeout.inMilliseconds)ms"),
        ]
        switch target {
        case .all: break
        case .masters: members["role"] = .string("master")
        case .replicas: members["role"] = .string("replica")
        case .nodes(let nodes): members["nodes"] = .array(nodes.map { .string($0) })
        }
        return (try? ControlJSON.encode(JSONValue.object(members))) ?? []
    }

    /// - Throws: a description of the error.
    package init(json: [UInt8]) throws(CallRequestError) {
        guard case .object(let members)? = try? ControlJSON.decode(JSONValue.self, from: json) else {
            throw CallRequestError(words: "the body is not a JSON object")
        }
        if let unknown = members.keys.sorted().first(where: { !["command", "role", "nodes", "timeout"].contains($0) }) {
            throw CallRequestError(
                words: "'\(unknown)' in the body is unknown; this request takes command, role, nodes and timeout")
        }
        self.init(try Self.command(members["command"]), on: try Self.target(members["role"], members["nodes"]))
        switch members["timeout"] {
        case nil, .null: break
        case .string(let text):
            guard let duration = DurationText.parse(text) else {
                throw CallRequestError(words: "'timeout' is not a duration such as 200ms or 5s")
            }
            timeout = duration
        default: throw CallRequestError(words: "'timeout' is not a duration such as 200ms or 5s")
        }
        if let objection { throw CallRequestError(words: objection) }
    }

    private static func command(_ value: JSONValue?) throws(CallRequestError) -> [[UInt8]] {
        guard case .array(let words) = value else {
            throw CallRequestError(words: "'command' is not an array of words")
        }
        var command: [[UInt8]] = []
        for word in words {
            guard let bytes = word.bytes else {
                throw CallRequestError(words: "a word of 'command' is neither a string nor {\"base64\": …}")
            }
            command.append(bytes)
        }
        return command
    }

    private static func target(_ role: JSONValue?, _ nodes: JSONValue?) throws(CallRequestError) -> Target {
        switch (role ?? .null, nodes ?? .null) {
        case (.null, .null): return .all
        case (.string("master"), .null): return .masters
        case (.string("replica"), .null): return .replicas
        case (.null, .array(let elements)):
            var names: [String] = []
            for element in elements {
                guard case .string(let name) = element else {
                    throw CallRequestError(words: "'nodes' is not an array of names")
                }
                names.append(name)
            }
            return .nodes(names)
        default:
            throw CallRequestError(words: "give either 'role' (master or replica) or 'nodes' (an array of names)")
        }
    }
}

package struct CallRequestError: Error, Hashable, Sendable {
    package var words: String
}

extension JSONValue {
    /// A text if the bytes are UTF-8, else `{"base64": "…"}`.
    package static func bytes(_ bytes: [UInt8]) -> JSONValue {
        if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
        return .object(["base64": .string(Data(bytes).base64EncodedString())])
    }

    package var bytes: [UInt8]? {
        switch self {
        case .string(let text): return Array(text.utf8)
        case .object(let members):
            guard members.count == 1, case .string(let text) = members["base64"] else { return nil }
            return Data(base64Encoded: text).map { [UInt8]($0) }
        default: return nil
        }
    }
}
