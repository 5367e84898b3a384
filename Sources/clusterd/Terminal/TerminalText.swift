/// Words of others on a terminal. What a client wrote may be in an engine's log, and whoever starts a process gives it its
/// name: a control sequence in there would be obeyed by the terminal of whoever looks.
enum TerminalText {
    /// Control characters as `cat -v` writes them; tabs stay. What else there is, is left as it is.
    static func visible(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        var isAfterC2 = false
        for byte in bytes {
            // The C1 control characters, U+0080 to U+009F, are two bytes in UTF-8.
            if isAfterC2, (0x80...0x9F).contains(byte) {
                text.removeLast()
                text += Array("M-^".utf8) + [byte - 0x40]
            } else if (byte < 0x20 && byte != 9) || byte == 0x7F {
                text += [UInt8(ascii: "^"), byte ^ 0x40]
            } else {
                text.append(byte)
            }
            isAfterC2 = byte == 0xC2
        }
        return text
    }

    static func visible(_ text: String) -> String { String(decoding: visible(text.utf8), as: UTF8.self) }
}
