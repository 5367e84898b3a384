/// Makes text from other sources safe for a terminal. An engine's log may contain what a client wrote, and a process name is
/// chosen by the user who starts it: the operator's terminal would execute control sequences in it.
enum TerminalText {
    /// Shows control characters as `cat -v` does. Keeps tabs and all other characters.
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
