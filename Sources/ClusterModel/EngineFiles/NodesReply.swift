/// A CLUSTER NODES reply, read with the help of the node's last one: most of its lines say what they said a second ago, but for the times of
/// the last ping and pong, and reading a line costs much more than comparing it.
package struct NodesReply: Sendable {
    package let view: NodesView
    private let bytes: [UInt8]
    private let lines: [Line]

    private struct Line: Sendable {
        /// In `bytes`: the fields before and after the times.
        var head: Range<Int>
        var tail: Range<Int>
        /// Its entry in the view; nil: it describes no node.
        var place: Int?
    }

    /// The order of the lines means nothing. A line that describes no node is skipped, and so are unknown words.
    package init(_ bytes: [UInt8], after last: NodesReply? = nil) {
        if let same = last?.repeated(bytes) {
            self = same
            return
        }
        let found = bytes.split(separator: UInt8(ascii: "\n"))
        var entries: [(entry: NodeEntry, line: Int)] = []
        for (index, line) in found.enumerated() {
            guard let entry = try? NodeEntry(fields: nodesFileFields(line), .reply) else { continue }
            entries.append((entry, index))
        }
        entries.sort { $0.entry.id < $1.entry.id }
        var lines = found.map { Self.parts(of: $0) ?? Line(head: $0.startIndex..<$0.endIndex, tail: 0..<0) }
        for (place, (_, line)) in entries.enumerated() { lines[line].place = place }
        view = NodesView(entries: entries.map(\.entry))
        self.bytes = bytes
        self.lines = lines
    }

    private init(_ view: NodesView, _ bytes: [UInt8], _ lines: [Line]) {
        (self.view, self.bytes, self.lines) = (view, bytes, lines)
    }

    /// nil: another number of lines, or one of them says something new.
    private func repeated(_ new: [UInt8]) -> NodesReply? {
        var entries = view.entries
        var lines = self.lines
        var at = 0
        for index in lines.indices {
            guard let place = lines[index].place else { return nil }
            let (head, tail) = (lines[index].head, lines[index].tail)
            guard Self.isEqual(new, at, bytes, head) else { return nil }
            lines[index].head = at..<at + head.count
            at += head.count
            guard let ping = Self.time(new, &at), let pong = Self.time(new, &at), Self.isEqual(new, at, bytes, tail)
            else { return nil }
            lines[index].tail = at..<at + tail.count
            at += tail.count
            guard at == new.count || new[at] == UInt8(ascii: "\n") else { return nil }
            at += 1
            (entries[place].pingSent, entries[place].pongReceived) = (ping, pong)
        }
        guard at >= new.count else { return nil }
        return NodesReply(NodesView(entries, like: view), new, lines)
    }

    private static func isEqual(_ new: [UInt8], _ start: Int, _ old: [UInt8], _ range: Range<Int>) -> Bool {
        guard start + range.count <= new.count else { return false }
        return new.withUnsafeBufferPointer { new in
            old.withUnsafeBufferPointer { old in
                for offset in 0..<range.count where new[start + offset] != old[range.lowerBound + offset] {
                    return false
                }
                return true
            }
        }
    }

    /// A space and a number without a sign.
    private static func time(_ bytes: [UInt8], _ at: inout Int) -> Int64? {
        guard at < bytes.count, bytes[at] == UInt8(ascii: " ") else { return nil }
        at += 1
        let start = at
        var value: Int64 = 0
        while at < bytes.count, (48...57).contains(bytes[at]), at - start < 18 {
            value = value * 10 + Int64(bytes[at] - 48)
            at += 1
        }
        return at > start ? value : nil
    }

    /// `ID ADDRESS FLAGS MASTER`, the times, and the rest; nil: fewer fields.
    private static func parts(of line: ArraySlice<UInt8>) -> Line? {
        var spaces = 0
        var head: Int?
        for (index, byte) in zip(line.indices, line) where byte == UInt8(ascii: " ") {
            spaces += 1
            if spaces == 4 { head = index }
            if spaces == 6, let head { return Line(head: line.startIndex..<head, tail: index..<line.endIndex) }
        }
        return nil
    }
}
