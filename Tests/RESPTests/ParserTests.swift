import RESP
import Testing

@Suite struct ParserTests {
    private func parse(_ text: String) throws(RESPParser.Failure) -> RESPValue? {
        var parser = RESPParser()
        parser.append(text.utf8)
        return try parser.next()
    }

    static let replies: [(String, RESPValue)] = [
        ("+OK\r\n", .simple("OK")), ("-ERR no\r\n", .error("ERR no")), (":42\r\n", .integer(42)),
        (":-7\r\n", .integer(-7)), ("$5\r\na\r\nbc\r\n", .bulk(Array("a\r\nbc".utf8))), ("$0\r\n\r\n", .bulk([])),
        ("$-1\r\n", .null), ("*-1\r\n", .null), ("*0\r\n", .array([])),
        ("*2\r\n:1\r\n*1\r\n+a\r\n", .array([.integer(1), .array([.simple("a")])])),
        ("_\r\n", .null), ("#t\r\n", .boolean(true)), ("#f\r\n", .boolean(false)), (",1.5\r\n", .double(1.5)),
        ("(12345678901234567890\r\n", .simple("12345678901234567890")), ("!3\r\nERR\r\n", .error("ERR")),
        ("%1\r\n+a\r\n:1\r\n", .map([.simple("a"), .integer(1)])), ("~1\r\n:1\r\n", .array([.integer(1)])),
        (">1\r\n+x\r\n", .array([.simple("x")])),
    ]

    @Test(arguments: replies)
    func aReplyIsRead(text: String, value: RESPValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(arguments: replies)
    func aReplyMayArriveByteByByte(text: String, value: RESPValue) throws {
        var parser = RESPParser()
        let bytes = Array(text.utf8)
        for byte in bytes.dropLast() {
            parser.append([byte])
            #expect(try parser.next() == nil)
        }
        parser.append([bytes[bytes.count - 1]])
        #expect(try parser.next() == value)
        #expect(try parser.next() == nil)
    }

    @Test func severalRepliesAreParsedInOrder() throws {
        var parser = RESPParser()
        parser.append(Self.replies.map(\.0).joined().utf8)
        for (_, value) in Self.replies { #expect(try parser.next() == value) }
        #expect(try parser.next() == nil)
    }

    @Test(arguments: [
        ("?\r\n", "a reply begins with byte 63, which is not a RESP type"), (":x\r\n", "'x' is not an integer"),
        ("$-2\r\n", "a string of -2 bytes"), ("*-2\r\n", "an array of -2 elements"),
        ("$99999999999\r\n", "a string of 99999999999 bytes"), ("*99999999999\r\n", "an array of 99999999999 elements"),
        ("$1\r\nabc", "a string does not end in CR LF"), ("+a\rb\n", "a line ends in CR without LF"),
        (String(repeating: "*1\r\n", count: 17), "a reply is nested more than 16 deep"),
        ("+" + String(repeating: "x", count: 70_000), "a line does not end"),
    ])
    func anInvalidReplyIsAnError(text: String, words: String) {
        let failure = #expect(throws: RESPParser.Failure.self) { try parse(text) }
        #expect(failure?.description == words)
    }

    /// Arbitrary bytes give a reply or an error, and never a crash.
    @Test func arbitraryBytesAreReadOrRefused() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("+-:$*%~>_#,(!0123456789\r\n\r\nab".utf8)
        for _ in 0..<5000 {
            var parser = RESPParser()
            let count = Int.random(in: 1...60, using: &random)
            parser.append((0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
            while let value = try? parser.next() { _ = value.text }
        }
    }

    @Test func aCommandIsAnArrayOfStrings() {
        #expect(
            RESPCommand("SET", "é", "").bytes == Array("*3\r\n$3\r\nSET\r\n$2\r\né\r\n$0\r\n\r\n".utf8))
    }
}
