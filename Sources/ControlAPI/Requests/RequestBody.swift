/// The body of a request: a JSON object, or nothing. Unknown members are rejected: if they were ignored, something that the client
/// meant to prevent could happen.
struct RequestBody {
    private let members: [(name: String, value: JSONValue)]

    init(_ bytes: [UInt8]) throws(ControlRejection) {
        guard !bytes.isEmpty else {
            members = []
            return
        }
        guard let value = try? ControlJSON.decode(JSONValue.self, from: bytes) else {
            throw .malformed("the body is not JSON")
        }
        guard case .object(let object) = value else { throw .malformed("the body is not a JSON object") }
        members = object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// All members, by name.
    func named(_ known: [String]) throws(ControlRejection) -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for (name, value) in members {
            guard known.contains(name) else {
                throw .malformed(
                    "'\(name.prefix(40))' in the body is unknown; this request takes \(known.joined(separator: ", "))")
            }
            found[name] = value
        }
        return found
    }

    /// The names of the members that are true.
    func flags(_ known: [String]) throws(ControlRejection) -> Set<String> {
        var set: Set<String> = []
        for (name, value) in members {
            guard known.contains(name) else {
                let names = known.isEmpty ? "takes none" : "takes \(known.joined(separator: ", "))"
                throw .malformed("'\(name)' in the body is unknown; this request \(names)")
            }
            switch value {
            case .bool(true): set.insert(name)
            case .bool(false), .null: break
            default: throw .malformed("'\(name)' in the body is neither true nor false")
            }
        }
        return set
    }

    /// The default is one hour; nil: no limit.
    func pause() throws(ControlRejection) -> Duration? {
        var length: Duration? = Self.usualPause
        for (name, value) in members {
            guard name == "for" else {
                throw .malformed("'\(name)' in the body is unknown; this request takes for")
            }
            switch value {
            case .null: break
            case .string("forever"): length = nil
            case .string(let text):
                guard let duration = DurationText.parse(text), duration > .zero else {
                    throw .malformed("'\(text.prefix(40))' is neither a duration, such as 30m or 2h, nor forever")
                }
                length = duration
            default: throw .malformed("'for' in the body is not a string")
            }
        }
        return length
    }

    /// The ids of the repairs to carry out.
    func repairs() throws(ControlRejection) -> [String] {
        var ids: [String] = []
        for (name, value) in members {
            guard name == "repairs" else {
                throw .malformed("'\(name.prefix(40))' in the body is unknown; this request takes repairs")
            }
            guard case .array(let values) = value else { throw .malformed("'repairs' in the body is not an array") }
            for value in values {
                guard case .string(let id) = value else {
                    throw .malformed("'repairs' in the body contains an element that is not a string")
                }
                ids.append(id)
            }
        }
        guard (1...Self.repairsAtOnce).contains(ids.count) else {
            throw .malformed(
                "'repairs' in the body has \(ids.count) elements; 1 to \(Self.repairsAtOnce) are allowed")
        }
        return ids
    }

    /// The folder of a backup, and how many complete backups remain there; nil: all.
    func backup() throws(ControlRejection) -> (directory: String, keep: Int?) {
        var directory: String?
        var keep: Int?
        for (name, value) in members {
            switch (name, value) {
            case ("directory", .string(let path)): directory = path
            case ("directory", _): throw .malformed("'directory' in the body is not a string")
            case ("keep", .null): break
            case ("keep", .integer(let number)) where (1...Self.backupsKept).contains(number): keep = Int(number)
            case ("keep", _):
                throw .malformed("'keep' in the body is not a number from 1 to \(Self.backupsKept)")
            default:
                throw .malformed("'\(name.prefix(40))' in the body is unknown; this request takes directory, keep")
            }
        }
        guard let directory, !directory.isEmpty else { throw .malformed("'directory' in the body is missing") }
        return (directory, keep)
    }

    static let backupsKept: Int64 = 100_000
    static let repairsAtOnce = 1000
    static let usualPause = Duration.seconds(3600)
}

extension ControlRejection {
    static func malformed(_ message: String) -> ControlRejection {
        ControlRejection(status: 400, error: ControlError("bad-request", message))
    }
}
