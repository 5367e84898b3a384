import ClusterModel
import Glibc

/// The file systems of these folders, each once, in the order of the folders. A missing folder counts for the file system on which
/// it would be created. Omits file systems without available facts.
package func disks(of folders: [String]) -> [Disk] {
    var devices: [UInt64] = []
    var disks: [Disk] = []
    for folder in folders {
        guard let (place, device) = place(of: folder) else { continue }
        if let index = devices.firstIndex(of: device) {
            if !disks[index].folders.contains(folder) { disks[index].folders.append(folder) }
            continue
        }
        var status = statvfs()
        guard statvfs(place, &status) == 0 else { continue }
        devices.append(device)
        disks.append(
            Disk(
                folders: [folder], free: bytes(UInt64(status.f_bavail), status),
                size: bytes(UInt64(status.f_blocks), status), reserve: heldBytes(Reserve.path(in: folder)),
                // A file system without an inode table (btrfs) reports zero inodes.
                freeFiles: status.f_files > 0 ? Int64(clamping: UInt64(status.f_favail)) : nil))
    }
    return disks
}

/// The folder or its nearest existing parent, with its file system.
private func place(of folder: String) -> (path: String, device: UInt64)? {
    var path = folder[...]
    while true {
        var status = stat()
        if stat(String(path), &status) == 0 { return (String(path), UInt64(status.st_dev)) }
        guard path.count > 1, let slash = path.lastIndex(of: "/") else { return nil }
        path = slash == path.startIndex ? "/" : path[..<slash]
    }
}

private func bytes(_ blocks: UInt64, _ status: statvfs) -> Int64 {
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? .max : Int64(clamping: bytes)
}

/// The first bytes of a reserve, which distinguish it from another file with the same name.
let reserveMark = Array("clusterd's reserve for a full disk\n".utf8)

/// The allocated size of a reserve; 0 if there is none.
private func heldBytes(_ path: String) -> Int64 {
    var status = stat()
    guard lstat(path, &status) == 0, status.isRegularFile, isReserve(path) else { return 0 }
    return min(Int64(status.st_size), Int64(status.st_blocks) * 512)
}

private func isReserve(_ path: String) -> Bool {
    (try? readPrefix(path, limit: reserveMark.count))?.bytes == reserveMark
}

/// Creates or completes the reserve in a folder, with allocated blocks (posix_fallocate(3)), not only a length.
package func makeReserve(in folder: String) throws(FileError) {
    let path = Reserve.path(in: folder)
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o600, doing: "make")
    if try file.status().st_size == 0 { try file.write(reserveMark) }
    guard isReserve(path) else { throw FileError("make", path, code: EEXIST) }
    let code = posix_fallocate(file.descriptor, 0, Int(Reserve.bytes))
    guard code == 0, heldBytes(path) >= Reserve.bytes else {
        // A partial reserve takes space that others may need, and is of no use.
        unlink(path)
        throw FileError("make", path, code: code == 0 ? EOPNOTSUPP : code)
    }
    try file.sync()
}

/// Removes the reserve, if there is one.
package func releaseReserve(in folder: String) throws(FileError) {
    let path = Reserve.path(in: folder)
    if let there = try status(path), there.st_size > 0, !isReserve(path) {
        throw FileError("remove", path, code: EEXIST)
    }
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
}
