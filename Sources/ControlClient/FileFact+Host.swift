import Glibc

extension SocketChoice.FileFact {
    /// Of this host's file system.
    package init(ofFileAt path: String) {
        var status = stat()
        if lstat(path, &status) == 0 {
            self = .owned(by: status.st_uid)
        } else {
            self = errno == EACCES ? .hidden : .absent
        }
    }
}
