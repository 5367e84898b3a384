import ClusterModel
import Glibc

/// The contents of the quarantine.
extension Quarantine {
    package struct Folder: Hashable, Sendable {
        /// The name below `quarantine/`.
        package var name: String
        /// The size on disk, including data that are shared with other files by hard links.
        package var bytes: Int64
        /// The contents without the note.
        package var names: [String]
        package var modified: WallTime
        /// The reason: the first line of its note.
        package var why: String?
    }

    /// The folders, sorted by name, which begins with the time. An unreadable folder appears as empty.
    package func contents() -> [Folder] {
        ((try? listDirectory(root)) ?? []).compactMap { name in
            let path = "\(root)/\(name)"
            guard isDirectory(path), !isLink(path) else { return nil }
            let names = (try? listDirectory(path)) ?? []
            let notes = ["NOTE.txt", "NOTE-of-quarantine.txt"].filter(names.contains)
            let modified = (try? status(path)).flatMap { $0 }.map(\.modified) ?? WallTime(milliseconds: 0)
            return Folder(
                name: name, bytes: Self.size(path), names: names.filter { !notes.contains($0) }, modified: modified,
                why: notes.last.flatMap { Self.reason("\(path)/\($0)") })
        }
    }

    private static func reason(_ note: String) -> String? {
        guard let bytes = try? readFile(note, limit: 1 << 16) else { return nil }
        let first = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        return first.hasPrefix("why   ") ? String(first.dropFirst(6)) : first
    }

    /// Does not follow links.
    private static func size(_ path: String) -> Int64 {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        guard status.isDirectory else { return Int64(status.st_size) }
        return ((try? listDirectory(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
    }
}
