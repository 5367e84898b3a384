/// Parses a stream of bytes into replies. The size of a reply is limited, so that no peer can make the reader grow without bound.
package struct RESPParser: Sendable {
    package struct Limits: Sendable {
        package var depth = 16
        package var elements = 1 << 20
        package var bulkBytes = 64 << 20
        package var lineBytes = 64 << 10

        package init() {}
    }

    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package var description: String
    }

    private var bytes: [UInt8] = []
    private var start = 0
    private let limits: Limits

    package init(limits: Limits = Limits()) { self.limits = limits }

    package mutating func append(_ more: some Sequence<UInt8>) {
        if start > 0, start == bytes.count || start > 1 << 16 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next complete reply; nil if more bytes are needed. After a failure the stream cannot be used any more.
    package mutating func next() throws(Failure) -> RESPValue? {
        var at = start
        guard let value = try value(&at, depth: 0) else { return nil }
        start = at
        return value
    }

    private func value(_ at: inout Int, depth: Int) throws(Failure) -> RESPValue? {
        guard depth < limits.depth else {
            throw Failure(description: "a reply is nested more than \(limits.depth) deep")
        }
        guard at < bytes.count else { return nil }
        let kind = bytes[at]
        var next = at + 1
        guard let line = try line(&next) else { return nil }
        let result: RESPValue?
        switch kind {
        case UInt8(ascii: "+"): result = .simple(text(line))
        case UInt8(ascii: "-"): result = .error(text(line))
        case UInt8(ascii: ":"): result = .integer(try integer(line))
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard let bulk = try bulk(line, &next) else { return nil }
            result = kind == UInt8(ascii: "!") ? bulk.text.map { .error($0) } : bulk
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            result = try array(line, &next, depth, perElement: 1)
        case UInt8(ascii: "%"): result = try array(line, &next, depth, perElement: 2)
        case UInt8(ascii: "_"): result = .null
        case UInt8(ascii: "#"): result = .boolean(text(line) == "t")
        case UInt8(ascii: ","):
            guard let number = Double(text(line)) else { throw Failure(description: "'\(text(line))' is not a number") }
            result = .double(number)
        case UInt8(ascii: "("): result = .simple(text(line))
        default: throw Failure(description: "a reply begins with byte \(kind), which is not a RESP type")
        }
        guard let result else { return nil }
        at = next
        return result
    }

    private func bulk(_ line: ArraySlice<UInt8>, _ next: inout Int) throws(Failure) -> RESPValue? {
        let count = try integer(line)
        if count == -1 { return .null }
        guard count >= 0, count <= limits.bulkBytes else { throw Failure(description: "a string of \(count) bytes") }
        let end = next + Int(count)
        guard bytes.count >= end + 2 else { return nil }
        guard bytes[end] == 13, bytes[end + 1] == 10 else {
            throw Failure(description: "a string does not end in CR LF")
        }
        defer { next = end + 2 }
        return .bulk(Array(bytes[next..<end]))
    }

    private func array(
        _ line: ArraySlice<UInt8>, _ next: inout Int, _ depth: Int, perElement: Int
    ) throws(Failure) -> RESPValue? {
        let count = try integer(line)
        if count == -1 { return .null }
        guard count >= 0, count <= limits.elements else { throw Failure(description: "an array of \(count) elements") }
        var values: [RESPValue] = []
        for _ in 0..<(Int(count) * perElement) {
            guard let element = try value(&next, depth: depth + 1) else { return nil }
            values.append(element)
        }
        return perElement == 2 ? .map(values) : .array(values)
    }

    /// The bytes up to CR LF, without it.
    private func line(_ next: inout Int) throws(Failure) -> ArraySlice<UInt8>? {
        guard let end = bytes[next...].firstIndex(of: 13) else {
            guard bytes.count - next <= limits.lineBytes else { throw Failure(description: "a line does not end") }
            return nil
        }
        guard end + 1 < bytes.count else { return nil }
        guard bytes[end + 1] == 10 else { throw Failure(description: "a line ends in CR without LF") }
        defer { next = end + 2 }
        return bytes[next..<end]
    }

    private func text(_ line: ArraySlice<UInt8>) -> String { String(decoding: line, as: UTF8.self) }

    private func integer(_ line: ArraySlice<UInt8>) throws(Failure) -> Int64 {
        guard let number = Int64(text(line)) else { throw Failure(description: "'\(text(line))' is not an integer") }
        return number
    }
}
