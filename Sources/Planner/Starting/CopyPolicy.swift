import ClusterModel

/// Second copies in quarantine, made before an engine would drop data that may exist nowhere else (`Preservation`). They are bounded by age
/// and by size; the newest copy of each node stays. Nothing else in quarantine is ever removed (invariant: last-copy).
extension Turn {
    /// As a fraction of the free space; never less than a gigabyte.
    private static let copiesShare: Int64 = 10

    mutating func discardOldCopies() {
        guard let inspection = seen.check.inspection, seen.wasReady else { return }
        let copies = inspection.copies.sorted { ($0.at, $0.folder) < ($1.at, $1.folder) }
        var newest: [String: String] = [:]
        for copy in copies { newest[copy.node] = copy.folder }
        let others = copies.filter { newest[$0.node] != $0.folder }
        let room = max(Int64(1) << 30, (seen.freeBytes ?? 0) / Self.copiesShare)
        var total = copies.reduce(0) { $0 + $1.bytes }
        let isShort = seen.freeBytes.map { $0 < spec.minimumFreeBytes } ?? false
        for copy in others {
            let isOld = seen.wall > copy.at + Self.copiesLast
            guard isOld || isShort || total > room else { continue }
            total -= copy.bytes
            ensure(.discardCopy(folder: copy.folder), retryAfter: .seconds(60))
        }
    }
}

/// One folder of second copies.
package struct KeptCopy: Sendable, Equatable {
    /// Its name below `quarantine/`.
    package var folder: String
    package var node: String
    package var at: WallTime
    package var bytes: Int64

    /// `<time>-<node>-data-<start>`; nil for any other folder of the quarantine.
    package init?(folder: String, at: WallTime, bytes: Int64) {
        let parts = folder.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard let mark = parts.firstIndex(of: Self.mark), mark >= 2, mark + 1 < parts.count else { return nil }
        self.folder = folder
        node = parts[1..<mark].joined(separator: "-")
        self.at = at
        self.bytes = bytes
    }

    static let mark = "data"

    static func name(_ time: WallTime, _ node: NodeName, start: Int) -> String {
        "\(stamp(time))-\(node)-\(mark)-\(start)"
    }
}
