import Glibc

/// Emptying the quarantine: the one thing besides `destroy` that deletes, and only what a person names.
extension Quarantine {
    /// Removes one folder of the quarantine with all that is in it. No link is followed, from the quarantine itself on, and
    /// a name that leads anywhere else is refused.
    /// - Returns: false where there is no such folder.
    package func remove(_ name: String) throws(FileError) -> Bool {
        let path = "\(root)/\(name)"
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")) else {
            throw FileError("remove", path, code: EINVAL)
        }
        var status = stat()
        guard lstat(root, &status) == 0 else {
            if errno == ENOENT { return false }
            throw FileError("look at", root, code: errno)
        }
        guard status.isDirectory else { throw FileError("follow the link", root, code: ELOOP) }
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw FileError("look at", path, code: errno)
        }
        guard status.isDirectory else { throw FileError("remove", path, code: ENOTDIR) }
        try removeTree(path)
        try syncDirectory(root)
        return true
    }
}
