import Glibc

/// Replaces a file atomically, so that after a crash at any moment either the complete old or the complete new file exists: a
/// temporary file in the same folder, fsync, rename, fsync of the folder. If the disk is full, the old file remains.
package func writeDurably(
    _ bytes: [UInt8], to path: String, mode: mode_t, owner: Owner? = nil
) throws(FileError) {
    let (directory, name) = splitPath(path)
    // One name for all attempts, so that crashes leave at most one such file. An existing one is a leftover.
    let temporary = "\(directory)/.\(name).new"
    unlink(temporary)
    do throws(FileError) {
        let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode & 0o700, doing: "write")
        try file.write(bytes)
        try file.setMode(mode, owner: owner)
        try file.sync()
        guard rename(temporary, path) == 0 else { throw FileError("replace", path, code: errno) }
    } catch {
        unlink(temporary)
        throw FileError(error.doing, path, code: error.code)
    }
    try syncDirectory(directory)
}

/// Creates a folder and its missing parents, all durably. Does not change an existing folder.
/// - Parameters:
///   - mode: of the folder; `parentMode`: of created parents, which a node that runs as another user must be able to traverse.
package func makeDirectory(
    _ path: String, mode: mode_t = 0o700, parentMode: mode_t = 0o700, owner: Owner? = nil
) throws(FileError) {
    if let status = try status(path) {
        guard status.isDirectory else { throw FileError("create the folder", path, code: ENOTDIR) }
        return
    }
    let parent = splitPath(path.last == "/" && path.count > 1 ? String(path.dropLast()) : path).directory
    if parent != "/", parent != "." { try makeDirectory(parent, mode: parentMode, parentMode: parentMode) }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError("create the folder", path, code: errno) }
    let folder = try OpenFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, doing: "create the folder")
    try folder.setMode(mode, owner: owner)
    try folder.sync()
    try syncDirectory(parent)
}

/// Appends a line to a file that only this process appends to, and creates the file if needed. Removes a partial line after an
/// error, such as a full disk. Not durable: this is for logs.
package func appendLine(_ line: [UInt8], to path: String, mode: mode_t) throws(FileError) {
    let file = try OpenFile(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode: mode, doing: "append to")
    let size = try file.status().st_size
    do throws(FileError) {
        try file.write(line + [10])
    } catch {
        ftruncate(file.descriptor, size)
        throw error
    }
}
