import ClusterModel
import Glibc

/// Looking at the quarantine, and emptying it by hand.
extension Quarantine {
    package struct Folder: Hashable, Sendable {
        /// Below `quarantine/`.
        package var name: String
        /// On disk; what is shared with files elsewhere by a link counts, too.
        package var bytes: Int64
        /// What it holds, without the note.
        package var names: [String]
        package var modified: WallTime
        /// The first line of its note: why it is here.
        package var why: String?
    }

    /// Sorted by name, which begins with the time. A folder that cannot be read is empty here.
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

    /// Links are not followed.
    private static func size(_ path: String) -> Int64 {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        guard status.isDirectory else { return Int64(status.st_size) }
        return ((try? listDirectory(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
    }
}
