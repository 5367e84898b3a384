import Glibc

/// Copies between file systems, for the quarantine. The copy is complete and durable before the original is touched. Keeps owner,
/// mode and time, because the time of a data file shows how recent it is.

/// The copy gets its name once it is complete.
package func copyDurably(_ source: String, to target: String) throws(FileError) {
    let (directory, name) = splitPath(target)
    let partial = "\(directory)/.partial-\(name)"
    try copyTree(source, to: partial)
    guard rename(partial, target) == 0 else { throw FileError("move to quarantine", source, code: errno) }
    try syncDirectory(directory)
}

/// Makes a hard link, or for a folder a folder of links; makes a copy if links are not possible.
func linkOrCopy(_ source: String, to target: String) throws(FileError) {
    if isDirectory(source) {
        try makeDirectory(target)
        for name in try listDirectory(source) { try linkOrCopy("\(source)/\(name)", to: "\(target)/\(name)") }
        return try syncDirectory(target)
    }
    if link(source, target) == 0 { return }
    // EPERM: the file system does not support links, or fs.protected_hardlinks forbids them for another user's file.
    guard [EXDEV, EPERM, EMLINK, EOPNOTSUPP].contains(errno) else {
        throw FileError("link into quarantine", source, code: errno)
    }
    try copyDurably(source, to: target)
}

/// Removes the originals of `copyDurably`, if they have not changed since. This is the only place that removes files from a node's
/// folder, of which a copy exists.
func removeCopied(_ source: String, copy: String) throws(FileError) {
    let isFolder = isDirectory(source) && !isLink(source)
    if isFolder {
        for name in try listDirectory(source) { try removeCopied("\(source)/\(name)", copy: "\(copy)/\(name)") }
    } else if !isLink(source), let old = try status(source) {
        guard let new = try status(copy), new.st_size == old.st_size, new.modified == old.modified else {
            throw FileError("remove the copied", source, code: EBUSY)
        }
    }
    guard (isFolder ? rmdir(source) : unlink(source)) == 0 else {
        throw FileError("remove the copied", source, code: errno)
    }
}

func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

private func copyTree(_ source: String, to target: String) throws(FileError) {
    if isLink(source) { return try copyLink(source, to: target) }
    guard let status = try status(source), status.isDirectory else { return try copyFile(source, to: target) }
    let owner = geteuid() == 0 ? Owner(userID: status.st_uid, groupID: status.st_gid) : nil
    try makeDirectory(target, mode: status.st_mode & 0o7777, owner: owner)
    for name in try listDirectory(source) { try copyTree("\(source)/\(name)", to: "\(target)/\(name)") }
    try syncDirectory(target)
}

private func copyLink(_ source: String, to target: String) throws(FileError) {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard readlink(source, &buffer, Int(PATH_MAX)) >= 0, symlink(buffer, target) == 0 else {
        throw FileError("copy to quarantine", source, code: errno)
    }
}

private func copyFile(_ source: String, to target: String) throws(FileError) {
    let input = try OpenFile(source, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "copy to quarantine")
    let status = try input.status()
    // Sockets and FIFOs have no data, but nothing must be lost silently.
    guard status.isRegularFile else { throw FileError("copy to quarantine", source, code: EINVAL) }
    // A copy that was interrupted, for example by a full disk, starts again.
    unlink(target)
    do throws(FileError) {
        let output = try OpenFile(target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, doing: "copy to quarantine")
        while true {
            let bytes = try input.read(limit: 1 << 20)
            if bytes.isEmpty { break }
            try output.write(bytes)
        }
        let owner = geteuid() == 0 ? Owner(userID: status.st_uid, groupID: status.st_gid) : nil
        try output.setMode(status.st_mode & 0o7777, owner: owner)
        var times = [status.st_atim, status.st_mtim]
        guard futimens(output.descriptor, &times) == 0 else { throw FileError("set the time of", target, code: errno) }
        try output.sync()
        guard try output.status().st_size == status.st_size else {
            throw FileError("copy to quarantine", source, code: EIO)
        }
    } catch {
        unlink(target)
        throw error
    }
}
