/// One line on a terminal.
package struct Line: Hashable, Sendable {
    package private(set) var spans: [Span]

    package init(_ spans: [Span] = []) { self.spans = spans }
    package init(_ text: String, _ tone: Tone? = nil) { spans = [Span(text, tone)] }

    package static let empty = Line()

    package var columns: Int { spans.reduce(0) { $0 + $1.columns } }
    package var text: String { spans.map(\.text).joined() }

    package func rendered(_ style: Style) -> String { spans.map(style.paint).joined() }

    mutating func append(_ span: Span) {
        guard !span.text.isEmpty else { return }
        if let last = spans.last, last.tone == span.tone, last.isMarked == span.isMarked {
            spans[spans.count - 1] = Span(last.text + span.text, span.tone, isMarked: span.isMarked)
        } else {
            spans.append(span)
        }
    }

    mutating func pad(to width: Int) {
        let missing = width - columns
        if missing > 0 { append(Span(String(repeating: " ", count: missing))) }
    }

    /// The same line in one tone.
    func toned(_ tone: Tone) -> Line { Line(spans.map { Span($0.text, tone) }) }

    /// No wider than `width`.
    package func cut(to width: Int) -> Line {
        guard columns > width else { return self }
        var line = Line()
        for span in spans {
            let room = width - line.columns
            if span.columns > room {
                line.append(Span(span.text.cut(to: room), span.tone, isMarked: span.isMarked))
                break
            }
            line.append(span)
        }
        return line
    }
}

extension Line {
    /// Lays out pieces one after the other, as many to a line as fit. `first` precedes them, and the following lines begin
    /// at column `rest`. A piece that is wider than a line is broken at the end of the line.
    static func flow(_ pieces: [Span], first: Line = .empty, rest: Int = 0, gap: Int = 1, width: Int) -> [Line] {
        let indent = rest < width / 2 ? rest : 0
        let margin = Line([Span(String(repeating: " ", count: indent))])
        var lines: [Line] = []
        var line = first.cut(to: max(0, width - 1))
        var isFresh = true
        for piece in pieces where !piece.text.isEmpty {
            var space = isFresh ? 0 : gap
            if line.columns + space + piece.columns > width, !isFresh || line.columns > indent {
                // Starts a new line, unless the piece must be broken anyway and this line still has room.
                if indent + piece.columns <= width || width - line.columns - space < 8 {
                    lines.append(line)
                    (line, isFresh, space) = (margin, true, 0)
                }
            }
            if space > 0 {
                // A space between two pieces of the same style takes that style.
                let isOne = line.spans.last?.tone == piece.tone && line.spans.last?.isMarked == piece.isMarked
                let text = String(repeating: " ", count: space)
                line.append(isOne ? Span(text, piece.tone, isMarked: piece.isMarked) : Span(text))
            }
            var text = piece.text
            while line.columns + text.columns > width {
                var head = text.prefix(columns: width - line.columns)
                // A wide character that does not fit even on a fresh line is printed anyway.
                if head.isEmpty, line.columns <= indent { head = String(text.prefix(1)) }
                line.append(Span(head, piece.tone, isMarked: piece.isMarked))
                lines.append(line)
                line = margin
                text.removeFirst(head.count)
            }
            line.append(Span(text, piece.tone, isMarked: piece.isMarked))
            isFresh = false
        }
        return lines + [line]
    }

    /// A sentence, wrapped between its words.
    static func paragraph(
        _ text: String, _ tone: Tone? = nil, first: Line = .empty, rest: Int = 0, width: Int
    ) -> [Line] {
        flow(words(text, tone), first: first, rest: rest, width: width)
    }

    static func words(_ text: String, _ tone: Tone? = nil) -> [Span] {
        text.printable.split(separator: " ").map { Span(String($0), tone) }
    }
}

extension Line {
    static func + (line: Line, text: String) -> Line { Line(line.spans + [Span(text)]) }
}
