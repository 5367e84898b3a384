/// Parses one HTTP/1.1 response (RFC 9112) from bytes that may be split anywhere. Any input leads to a response or to
/// `Malformed`.
struct ResponseParser {
    struct Malformed: Error, Hashable { let reason: String }

    private enum State {
        case head
        case length(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        /// The line end after a chunk's bytes.
        case chunkEnd
        case trailer
        case untilEnd
        case complete
    }

    static let headLimit = 64 << 10
    /// The largest body. The status of a thousand nodes has one megabyte.
    static let bodyLimit = 64 << 20

    private(set) var status = 0
    private(set) var body: [UInt8] = []
    private let isAnswerToHead: Bool
    private var state = State.head
    private var input: [UInt8] = []
    /// The position of the first unused byte of `input`.
    private var next = 0

    init(isAnswerToHead: Bool = false) { self.isAnswerToHead = isAnswerToHead }

    var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    mutating func read(_ bytes: [UInt8]) throws(Malformed) {
        input.removeFirst(next)
        next = 0
        input.append(contentsOf: bytes)
        while try step() {}
        guard body.count <= Self.bodyLimit else { throw Malformed(reason: "the body is too large") }
    }

    /// The part of the body that arrived since the last call.
    mutating func takeBody() -> [UInt8] {
        defer { body = [] }
        return body
    }

    /// Called at the end of the connection.
    mutating func end() throws(Malformed) {
        switch state {
        case .untilEnd: state = .complete
        case .complete: break
        default: throw Malformed(reason: "the answer ended too soon")
        }
    }

    /// Returns false if it needs more bytes, or is done.
    private mutating func step() throws(Malformed) -> Bool {
        switch state {
        case .head:
            guard let head = try takeHead() else { return false }
            try begin(head)
        case .length(let remaining):
            guard let left = takeBody(remaining) else { return false }
            state = left == 0 ? .complete : .length(remaining: left)
        case .chunkSize:
            guard let line = try takeLine() else { return false }
            // Chunk extensions follow a semicolon; all of them are ignored.
            let digits = line.prefix { $0 != ";" }
            guard let size = Int(digits, radix: 16), (0...Self.bodyLimit).contains(size), digits.first != "+" else {
                throw Malformed(reason: "'\(digits.prefix(20))' is not a chunk size")
            }
            state = size == 0 ? .trailer : .chunk(remaining: size)
        case .chunk(let remaining):
            guard let left = takeBody(remaining) else { return false }
            state = left == 0 ? .chunkEnd : .chunk(remaining: left)
        case .chunkEnd:
            guard let line = try takeLine() else { return false }
            guard line.isEmpty else { throw Malformed(reason: "a chunk is longer than its announced size") }
            state = .chunkSize
        case .trailer:
            guard let line = try takeLine() else { return false }
            if line.isEmpty { state = .complete }
        case .untilEnd:
            _ = takeBody(.max)
            return false
        case .complete:
            return false
        }
        return true
    }

    private mutating func begin(_ head: [Substring]) throws(Malformed) {
        let statusLine = head.first?.split(separator: " ", maxSplits: 2) ?? []
        guard statusLine.count >= 2, statusLine[0].hasPrefix("HTTP/1."), statusLine[1].utf8.count == 3,
            let status = Int(statusLine[1]), (100...599).contains(status)
        else { throw Malformed(reason: "'\(head.first?.prefix(60) ?? "")' is not a status line of HTTP/1.1") }
        var length: Int?
        var isChunked = false
        for line in head.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Malformed(reason: "a header line has no colon") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            switch line[..<colon].lowercased() {
            case "content-length":
                guard let number = Int(value.prefix { $0 != " " }), (0...Self.bodyLimit).contains(number) else {
                    throw Malformed(reason: "'\(value.prefix(20))' is not a length")
                }
                length = number
            case "transfer-encoding": isChunked = value.lowercased().hasSuffix("chunked")
            default: break
            }
        }
        self.status = status
        if status < 200 {
            // An interim answer, such as 100 Continue: the real one follows.
            state = .head
        } else if isAnswerToHead || status == 204 || status == 304 {
            state = .complete
        } else if isChunked {
            state = .chunkSize
        } else if let length {
            state = length == 0 ? .complete : .length(remaining: length)
        } else {
            state = .untilEnd
        }
    }

    /// The lines before the first empty one.
    private mutating func takeHead() throws(Malformed) -> [Substring]? {
        let end = Array("\r\n\r\n".utf8)
        guard input.count - next >= end.count else { return nil }
        for index in next...(input.count - end.count) where input[index] == end[0] {
            guard input[index..<index + end.count].elementsEqual(end) else { continue }
            let text = String(decoding: input[next..<index], as: UTF8.self)
            next = index + end.count
            // In Swift, CR LF is one character.
            return text.split(separator: "\r\n", omittingEmptySubsequences: false)
        }
        guard input.count - next <= Self.headLimit else { throw Malformed(reason: "the header is too large") }
        return nil
    }

    private mutating func takeLine() throws(Malformed) -> String? {
        guard let end = input[next...].firstIndex(of: UInt8(ascii: "\n")) else {
            guard input.count - next <= Self.headLimit else { throw Malformed(reason: "a line is too long") }
            return nil
        }
        var line = input[next..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        next = end + 1
        return String(decoding: line, as: UTF8.self)
    }

    /// Moves up to `wanted` bytes into the body. Returns the number of missing bytes, or nil if there was nothing to move.
    private mutating func takeBody(_ wanted: Int) -> Int? {
        let count = min(wanted, input.count - next)
        guard count > 0 else { return nil }
        body.append(contentsOf: input[next..<next + count])
        next += count
        return wanted - count
    }
}
