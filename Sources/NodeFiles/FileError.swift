import Glibc

/// A failed file operation: the operation, the path, and the reason.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation, as the text after "cannot": `write`, `create the folder`.
    package var doing: String
    package var path: String
    /// errno(3)
    package var code: Int32

    package init(_ doing: String, _ path: String, code: Int32) {
        self.doing = doing
        self.path = path
        self.code = code
    }

    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String { "cannot \(doing) \(path): \(String(cString: strerror(code)))" }
}
