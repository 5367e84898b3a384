/// A nodes.conf: the view, and the two epochs of the `vars` line that ends it.
package struct NodesFile: Hashable, Sendable {
    package var view: NodesView
    package var currentEpoch: UInt64
    package var lastVoteEpoch: UInt64

    package init(view: NodesView, currentEpoch: UInt64, lastVoteEpoch: UInt64) {
        self.view = view
        self.currentEpoch = currentEpoch
        self.lastVoteEpoch = lastVoteEpoch
    }

    /// As `clusterSaveConfig` (src/cluster.c) writes it, in the address form that `engine` reads.
    package func rendered(for engine: Engine) -> [UInt8] {
        var text = view.entries.map { $0.line(for: engine) + "\n" }.joined()
        text += "vars currentEpoch \(currentEpoch) lastVoteEpoch \(lastVoteEpoch)\n"
        return Array(text.utf8)
    }
}

/// What is wrong with a nodes.conf. Lines count from 1.
package enum NodesFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No bytes: the engine would silently start as a new node.
    case empty
    /// The existing part is valid, and the end is missing. The engine would start with the rest.
    case torn(line: Int, why: String)
    /// Something that no engine writes.
    case corrupt(line: Int, why: String)

    package var description: String {
        switch self {
        case .empty: "it is empty"
        case .torn(let line, let why), .corrupt(let line, let why): "line \(line) \(why)"
        }
    }
}

extension NodesFile {
    /// Stricter than `clusterLoadConfig`, which accepts a cut file as a complete one. A slot list that was cut in front of the `vars` line
    /// of an older file passes: compare `view.coveredSlots`.
    package static func parse(_ bytes: [UInt8]) throws(NodesFileError) -> NodesFile {
        guard !bytes.isEmpty else { throw .empty }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var reading = Reading()
        // After the last newline there is nothing, or a cut line. Redis before 7.2 uses empty lines to fill up a file that was longer
        // (`clusterSaveConfig`).
        for (index, line) in lines.dropLast().enumerated() where !line.isEmpty {
            do {
                try reading.take(nodesFileFields(line), line: index + 1)
            } catch {
                throw .corrupt(line: index + 1, why: error.why)
            }
        }
        if let cut = lines.last, !cut.isEmpty {
            guard beginsLikeOne(cut) else { throw .corrupt(line: lines.count, why: "is not of a nodes.conf") }
            throw .torn(line: lines.count, why: "ends in the middle")
        }
        guard let vars = reading.vars else {
            throw .torn(line: max(1, lines.count - 1), why: "is not followed by the vars line that ends the file")
        }
        try reading.checkWhole(lastLine: lines.count - 1)
        return NodesFile(
            view: NodesView(entries: reading.entries), currentEpoch: vars.currentEpoch,
            lastVoteEpoch: vars.lastVoteEpoch)
    }

    private static func beginsLikeOne(_ line: ArraySlice<UInt8>) -> Bool {
        let start = line.prefix(40)
        return "vars ".utf8.starts(with: start.prefix(5))
            || start.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// The lines read so far.
    private struct Reading {
        var entries: [NodeEntry] = []
        var lines: [Int] = []
        var ids: Set<NodeID> = []
        var slots = SlotSet()
        var vars: (currentEpoch: UInt64, lastVoteEpoch: UInt64)?

        mutating func take(_ fields: [ArraySlice<UInt8>], line: Int) throws(NodeLineTrouble) {
            guard vars == nil else { throw NodeLineTrouble("comes after the vars line") }
            if fields.first?.elementsEqual("vars".utf8) == true {
                vars = try Self.vars(fields)
                return
            }
            let entry = try NodeEntry(fields: fields, .file)
            guard ids.insert(entry.id).inserted else { throw NodeLineTrouble("has the node id of an earlier line") }
            if entry.flags.contains(.myself), entries.contains(where: { $0.flags.contains(.myself) }) {
                throw NodeLineTrouble("is a second one with the flag myself")
            }
            guard slots.intersection(entry.slots).isEmpty else {
                throw NodeLineTrouble("has slots of an earlier line: \(slots.intersection(entry.slots))")
            }
            guard entry.slots.isEmpty || !entry.flags.contains(.replica) else {
                throw NodeLineTrouble("gives slots to a replica")
            }
            slots = slots.union(entry.slots)
            entries.append(entry)
            lines.append(line)
        }

        private static func vars(
            _ fields: [ArraySlice<UInt8>]
        ) throws(NodeLineTrouble) -> (currentEpoch: UInt64, lastVoteEpoch: UInt64) {
            func value(_ name: String) -> UInt64? {
                for index in stride(from: 1, to: fields.count - 1, by: 2) where fields[index].elementsEqual(name.utf8) {
                    return fields[index + 1].decimal
                }
                return nil
            }
            guard let current = value("currentEpoch"), let vote = value("lastVoteEpoch") else {
                throw NodeLineTrouble("does not give currentEpoch and lastVoteEpoch")
            }
            return (current, vote)
        }

        /// Errors that only the whole file can show.
        func checkWhole(lastLine: Int) throws(NodesFileError) {
            guard entries.contains(where: { $0.flags.contains(.myself) }) else {
                throw .corrupt(line: lastLine, why: "ends the file, and no line has the flag myself")
            }
            for (entry, line) in zip(entries, lines) {
                if let master = entry.masterID, !ids.contains(master) {
                    throw .corrupt(line: line, why: "names the master \(master.short)…, which has no line")
                }
                // For another node, `-` remains when this node has forgotten its master (`freeClusterNode`).
                if entry.masterID == nil, entry.flags.isSuperset(of: [.myself, .replica]) {
                    throw .corrupt(line: line, why: "is of a replica and names no master")
                }
            }
        }
    }
}

/// The words of one line, without white space around them.
func nodesFileFields(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line.split { $0 == UInt8(ascii: " ") || (9...13).contains($0) }
}
