/// A socket's path, taken apart: the folder is opened, and the file found through its descriptor.
package struct SocketPath: Hashable, Sendable {
    /// `.` where the path names none.
    package var folder: String
    package var name: String

    package init(_ path: String) {
        let end = path.lastIndex(of: "/")
        name = end.map { String(path[path.index(after: $0)...]) } ?? path
        folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
