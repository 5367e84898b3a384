import Glibc

/// Removes a folder and its contents. Follows no link at any depth, even if other processes change files meanwhile, and enters no
/// other file system. A missing folder is not an error.
package func removeTree(_ path: String) throws(FileError) {
    let (parent, name) = splitPath(path)
    let folder = try OpenFile(parent, O_RDONLY | O_DIRECTORY, doing: "open the folder")
    let device = try folder.status().st_dev
    try removeEntry(name, in: folder.descriptor, path: path, device: device)
}

private func removeEntry(_ name: String, in folder: Int32, path: String, device: dev_t) throws(FileError) {
    if unlinkat(folder, name, 0) == 0 || errno == ENOENT { return }
    // Linux returns EISDIR; POSIX also allows EPERM.
    guard errno == EISDIR || errno == EPERM else { throw FileError("remove", path, code: errno) }
    let descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("remove", path, code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_dev == device else {
        close(descriptor)
        throw FileError("remove", path, code: EXDEV)
    }
    do throws(FileError) {
        for entry in try entries(of: descriptor, path) {
            try removeEntry(entry, in: descriptor, path: "\(path)/\(entry)", device: device)
        }
    } catch {
        close(descriptor)
        throw error
    }
    close(descriptor)
    guard unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
        throw FileError("remove", path, code: errno)
    }
}

/// The names in an open folder.
func entries(of descriptor: Int32, _ path: String) throws(FileError) -> [String] {
    // Duplicated, because closedir(3) closes the descriptor, and for a separate position.
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { throw FileError("list", path, code: errno) }
    guard let directory = fdopendir(copy) else {
        let code = errno
        close(copy)
        throw FileError("list", path, code: code)
    }
    defer { closedir(directory) }
    return try entries(of: directory, path)
}
