/// The parts of a socket's path: the folder, which is opened, and the file name, which is accessed through its descriptor.
package struct SocketPath: Hashable, Sendable {
    /// `.` if the path has no folder.
    package var folder: String
    package var name: String

    package init(_ path: String) {
        let end = path.lastIndex(of: "/")
        name = end.map { String(path[path.index(after: $0)...]) } ?? path
        folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
