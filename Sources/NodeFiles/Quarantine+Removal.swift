import Glibc

/// Deletes from the quarantine. Only this and `destroy` delete data, and only what the operator names.
extension Quarantine {
    /// Removes one folder of the quarantine with its contents. Follows no link, including the quarantine itself, and rejects a
    /// name that leads elsewhere.
    /// - Returns: false if the folder does not exist.
    package func remove(_ name: String) throws(FileError) -> Bool {
        let path = "\(root)/\(name)"
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")) else {
            throw FileError("remove", path, code: EINVAL)
        }
        var status = stat()
        guard lstat(root, &status) == 0 else {
            if errno == ENOENT { return false }
            throw FileError("inspect", root, code: errno)
        }
        guard status.isDirectory else { throw FileError("follow the link", root, code: ELOOP) }
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw FileError("inspect", path, code: errno)
        }
        guard status.isDirectory else { throw FileError("remove", path, code: ENOTDIR) }
        try removeTree(path)
        try syncDirectory(root)
        return true
    }
}
