import ControlAPI

/// One frame of `status --watch`: as many lines as fit on the screen, from the line that the user scrolled to.
package struct Frame: Hashable, Sendable {
    package struct Size: Hashable, Sendable {
        package var columns: Int
        package var rows: Int

        package init(columns: Int, rows: Int) {
            self.columns = columns
            self.rows = rows
        }
    }

    package let lines: [Line]
    /// The topmost line shown; at most `bottom`.
    package let top: Int
    /// The topmost line of the last page.
    package let bottom: Int
    /// The number of lines on a page.
    package let page: Int
    private let size: Size

    /// `banner` is shown above everything; the lines below it are then outdated, and faint.
    package init(_ body: [Line], banner: String? = nil, clock: String, top: Int = 0, size: Size) {
        self.size = size
        let width = size.columns
        var head: [Line] = []
        if let banner { head = Line.paragraph(banner, .bad, rest: 2, width: max(width, StatusTable.narrowest)) }
        page = max(1, size.rows - head.count - 1)
        bottom = max(0, body.count - page)
        self.top = min(max(0, top), bottom)
        let shown = body[self.top..<min(body.count, self.top + page)]
        let place =
            bottom > 0 ? "lines \(self.top + 1)-\(self.top + shown.count) of \(body.count)  arrows scroll  " : ""
        let foot = Line("\(clock)  \(place)q quits", .faint)
        let all = head + (banner == nil ? Array(shown) : shown.map { $0.toned(.faint) }) + [foot]
        lines = all.prefix(max(1, size.rows)).map { $0.cut(to: width) }
    }

    /// The bytes that draw it over the previous frame, in one write: each line replaces the old one, and the rest is erased. No erase
    /// follows a full line, because it would erase the character in the last column.
    package func bytes(_ style: Style) -> [UInt8] {
        let rows = lines.map { line in
            line.rendered(style) + (line.columns < size.columns ? "\u{1B}[K" : "")
        }
        let isFull = lines.count >= size.rows
        return Array(("\u{1B}[H" + rows.joined(separator: "\r\n") + (isFull ? "" : "\r\n\u{1B}[J")).utf8)
    }
}

extension StatusDocument {
    /// Without the values that change constantly: if two documents are equal without them, nothing has changed.
    package var withoutLoad: StatusDocument {
        var document = self
        document.nodes = nodes.map(\.withoutLoad)
        return document
    }
}

extension NodeDocument {
    package var withoutLoad: NodeDocument {
        var node = self
        (node.memoryBytes, node.lagBytes, node.keys, node.opsPerSecond) = (nil, nil, nil, nil)
        node.clients = nil
        return node
    }
}
