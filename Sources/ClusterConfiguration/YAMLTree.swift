import CYAML

/// A position in a file. Lines and columns count from 1.
package struct Mark: Hashable, Sendable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}

/// A YAML value with its position. Scalars keep their text: the key determines what `yes` or `7000` means.
struct YAMLNode: Hashable, Sendable {
    enum Content: Hashable, Sendable {
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Member])
    }

    struct Member: Hashable, Sendable {
        var key: String
        var mark: Mark
        var value: YAMLNode
    }

    var content: Content
    var mark: Mark

    /// `null`, `~` or an empty value.
    var isNull: Bool {
        guard case .scalar(let text, let isPlain) = content else { return false }
        return isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
    }
    var scalar: String? {
        guard case .scalar(let text, _) = content, !isNull else { return nil }
        return text
    }
}

struct YAMLProblem: Error, Hashable, Sendable {
    var mark: Mark
    var message: String
}

/// Reads one document with libyaml. Depth and size are limited, and an alias counts each time it is used.
struct YAMLReader {
    private var parser = yaml_parser_t()
    private var anchors: [String: YAMLNode] = [:]
    private var nodes = 0

    static let greatestDepth = 16
    static let greatestSize = 1 << 20
    private static let mostNodes = 100_000

    /// nil: the file has only comments.
    static func read(_ bytes: [UInt8]) throws(YAMLProblem) -> YAMLNode? {
        guard bytes.count <= greatestSize else {
            throw YAMLProblem(mark: Mark(line: 1, column: 1), message: "the file is larger than 1 MB")
        }
        var reader = YAMLReader()
        guard yaml_parser_initialize(&reader.parser) == 1 else {
            throw YAMLProblem(mark: Mark(line: 1, column: 1), message: "libyaml is out of memory")
        }
        defer { yaml_parser_delete(&reader.parser) }
        return try bytes.withUnsafeBufferPointer { buffer throws(YAMLProblem) -> YAMLNode? in
            yaml_parser_set_input_string(&reader.parser, buffer.baseAddress, buffer.count)
            return try reader.document()
        }
    }

    private mutating func document() throws(YAMLProblem) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case YAML_STREAM_END_EVENT: return root
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
            case YAML_DOCUMENT_START_EVENT:
                if root != nil {
                    throw YAMLProblem(mark: event.mark, message: "a second document begins here; only one is allowed")
                }
                root = try node(try next(), depth: 0)
            default: continue
            }
        }
    }

    private struct Event {
        var kind: yaml_event_type_t
        var mark: Mark
        var text = ""
        var anchor: String?
        var isPlain = false
        var tag: String?
    }

    private mutating func next() throws(YAMLProblem) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(&parser, &raw) == 1 else {
            let words = parser.problem.map { String(cString: $0) } ?? "it is not YAML"
            let isReader = parser.error == YAML_READER_ERROR
            let mark = isReader ? Mark(line: 1, column: 1) : Mark(parser.problem_mark)
            throw YAMLProblem(
                mark: mark, message: isReader ? "\(words) (byte \(parser.problem_offset))" : words)
        }
        defer { yaml_event_delete(&raw) }
        var event = Event(kind: raw.type, mark: Mark(raw.start_mark))
        func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            pointer.map { String(decodingCString: UnsafePointer($0), as: UTF8.self) }
        }
        switch raw.type {
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            event.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.anchor = string(scalar.anchor)
            event.tag = string(scalar.tag)
        case YAML_SEQUENCE_START_EVENT: event.anchor = string(raw.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: event.anchor = string(raw.data.mapping_start.anchor)
        case YAML_ALIAS_EVENT: event.anchor = string(raw.data.alias.anchor)
        default: break
        }
        return event
    }

    private mutating func node(_ event: Event, depth: Int) throws(YAMLProblem) -> YAMLNode {
        nodes += 1
        guard nodes <= Self.mostNodes, depth <= Self.greatestDepth else {
            throw YAMLProblem(mark: event.mark, message: "nested too deeply, or too many values")
        }
        if let tag = event.tag { throw YAMLProblem(mark: event.mark, message: "the tag \(tag) is not supported") }
        let content: YAMLNode.Content
        switch event.kind {
        case YAML_SCALAR_EVENT: content = .scalar(event.text, isPlain: event.isPlain)
        case YAML_SEQUENCE_START_EVENT: content = try sequence(depth)
        case YAML_MAPPING_START_EVENT: content = try mapping(depth)
        case YAML_ALIAS_EVENT:
            guard let anchored = event.anchor.flatMap({ anchors[$0] }) else {
                throw YAMLProblem(
                    mark: event.mark, message: "the alias *\(event.anchor ?? "") has no anchor before it")
            }
            content = anchored.content
        default: throw YAMLProblem(mark: event.mark, message: "a value is expected here")
        }
        let node = YAMLNode(content: content, mark: event.mark)
        if let anchor = event.anchor, event.kind != YAML_ALIAS_EVENT { anchors[anchor] = node }
        return node
    }

    private mutating func sequence(_ depth: Int) throws(YAMLProblem) -> YAMLNode.Content {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if event.kind == YAML_SEQUENCE_END_EVENT { return .sequence(elements) }
            elements.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func mapping(_ depth: Int) throws(YAMLProblem) -> YAMLNode.Content {
        var members: [YAMLNode.Member] = []
        while true {
            let event = try next()
            if event.kind == YAML_MAPPING_END_EVENT { return .mapping(members) }
            guard event.kind == YAML_SCALAR_EVENT else {
                throw YAMLProblem(mark: event.mark, message: "a key must be a word")
            }
            if let first = members.first(where: { $0.key == event.text }) {
                throw YAMLProblem(
                    mark: event.mark,
                    message: "'\(event.text)' is a duplicate key; the first one is in line \(first.mark.line)")
            }
            members.append(.init(key: event.text, mark: event.mark, value: try node(try next(), depth: depth + 1)))
        }
    }
}
