import Glibc

extension SocketChoice.FileFact {
    /// The state of a file on this host.
    package init(ofFileAt path: String) {
        var status = stat()
        if lstat(path, &status) == 0 {
            self = .owned(by: status.st_uid)
        } else {
            self = errno == EACCES ? .hidden : .absent
        }
    }
}
