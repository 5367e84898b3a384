/// A part of a line: text with a tone. Only the text has a width; colour codes take no columns.
package struct Span: Hashable, Sendable {
    package let text: String
    package var tone: Tone?
    /// Whether it changed recently.
    package var isMarked: Bool

    /// Replaces control characters, which would move the cursor: some names come from other users' processes.
    package init(_ text: String, _ tone: Tone? = nil, isMarked: Bool = false) {
        self.text = text.printable
        self.tone = tone
        self.isMarked = isMarked
    }

    package var columns: Int { text.columns }
}

package enum Tone: String, Sendable { case good = "32", warning = "33", bad = "31", faint = "2", strong = "1" }

/// Which attributes the terminal shows.
package struct Style: Hashable, Sendable {
    package var hasColor: Bool
    /// Whether changed values are shown in reverse video.
    package var hasMarks: Bool

    package init(color: Bool, marks: Bool = false) {
        hasColor = color
        hasMarks = marks
    }

    func paint(_ span: Span) -> String {
        let codes = [hasColor ? span.tone?.rawValue : nil, hasMarks && span.isMarked ? "7" : nil].compactMap { $0 }
        return codes.isEmpty || span.text.isEmpty
            ? span.text : "\u{1B}[\(codes.joined(separator: ";"))m\(span.text)\u{1B}[0m"
    }
}

extension Character {
    /// The columns it takes on a terminal: two for wide East Asian characters and emoji.
    var columns: Int {
        guard let scalar = unicodeScalars.first?.value, scalar >= 0x1100 else { return 1 }
        switch scalar {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF,
            0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension String {
    package var columns: Int { isPlainASCII ? utf8.count : reduce(0) { $0 + $1.columns } }

    private var isPlainASCII: Bool { utf8.allSatisfy { (0x20..<0x7F).contains($0) } }

    /// With `?` in place of control and format characters, and a space in place of a tab or newline.
    var printable: String {
        if isPlainASCII { return self }
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
            default: true
            }
        }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            text.append(isPlain(scalar) ? scalar : scalar == "\t" || scalar == "\n" ? " " : "?")
        }
        return String(text)
    }

    /// Its beginning, at most `width` columns.
    func prefix(columns width: Int) -> String {
        var used = 0
        return String(
            prefix {
                used += $0.columns
                return used <= width
            })
    }

    /// Cut to at most `width` columns, with `…` at the end if anything was cut.
    func cut(to width: Int) -> String {
        columns <= width ? self : width < 1 ? "" : prefix(columns: width - 1) + "…"
    }
}
