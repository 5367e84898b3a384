import ControlAPI

/// One picture of `status --watch`: as much of it as the screen has room for, from a line on that the reader chooses.
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
    /// The topmost line shown, no further down than makes sense.
    package let top: Int
    /// The topmost line of the last page.
    package let bottom: Int
    /// How many lines a page has.
    package let page: Int
    private let size: Size

    /// `banner` stands above everything; then what is beneath is from an earlier moment, and faint.
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

    /// What draws it over the frame before, in one write: each line over the one that was there, and the rest erased. An
    /// erasure after the last column would take the character in it with it.
    package func bytes(_ style: Style) -> [UInt8] {
        let rows = lines.map { line in
            line.rendered(style) + (line.columns < size.columns ? "\u{1B}[K" : "")
        }
        let isFull = lines.count >= size.rows
        return Array(("\u{1B}[H" + rows.joined(separator: "\r\n") + (isFull ? "" : "\r\n\u{1B}[J")).utf8)
    }
}

extension StatusDocument {
    /// Without what differs whenever one looks: two that are the same so tell the same.
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
