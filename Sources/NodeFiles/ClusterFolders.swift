import ClusterModel
import Glibc

/// The folders of one cluster, for `destroy`. Follows no link from the data folder on, and addresses files only within an open
/// folder, so that concurrent changes by other processes cannot redirect it.
package struct ClusterFolders: Sendable {
    package let dataDirectory: String

    package init(_ dataDirectory: String) { self.dataDirectory = dataDirectory }

    /// The contents of the data folder, of `nodes/`, of these node folders and of their folders for append-only files.
    package func listings(_ nodeDirectories: [String]) throws(FileError) -> [FolderListing] {
        var listings: [FolderListing] = []
        for path in [dataDirectory, dataDirectory + "/nodes"] + nodeDirectories {
            guard let listing = try listing(path) else { continue }
            listings.append(listing)
            let appended = "\(path)/\(listing.dataNames.appendOnlyDirectory)"
            guard listing.isReal, nodeDirectories.contains(path), let listing = try self.listing(appended) else {
                continue
            }
            listings.append(listing)
        }
        return listings
    }

    /// Removes one file. Returns its size; nil if it did not exist.
    package func removeFile(_ name: String, from folder: String) throws(FileError) -> Int64? {
        guard let descriptor = try open(folder) else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw FileError("remove", "\(folder)/\(name)", code: errno)
        }
        return Int64(status.st_size)
    }

    /// Removes a folder. Returns false if it is not empty, or not a folder.
    package func removeFolder(_ path: String) throws(FileError) -> Bool {
        let (parent, name) = splitPath(path)
        let isRoot = path == dataDirectory
        guard let descriptor = isRoot ? try openAnywhere(parent) : try open(parent) else { return true }
        defer { close(descriptor) }
        if unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        if [ENOTEMPTY, EEXIST, ENOTDIR, EBUSY].contains(errno) { return false }
        throw FileError("remove", path, code: errno)
    }

    private func listing(_ path: String) throws(FileError) -> FolderListing? {
        let descriptor: Int32
        do throws(FileError) {
            guard let found = try open(path) else { return nil }
            descriptor = found
        } catch {
            guard error.code == ELOOP || error.code == ENOTDIR else { throw error }
            return FolderListing(path: path, isReal: false)
        }
        defer { close(descriptor) }
        var listing = FolderListing(path: path)
        let names = try entries(of: descriptor, path)
        listing.entries = names.compactMap { name in kind(of: name, in: descriptor).map { .init(name, $0) } }
        listing.dataNames = DataFileNames(guessedFrom: names, manifests: [])
        for entry in listing.entries where entry.kind == .file {
            switch entry.name {
            case "redis.conf":
                let facts = RedisConfFacts(fileName: entry.name, contents(of: entry.name, in: descriptor))
                listing.dataNames = facts.dataNames
                if facts.isGenerated { listing.generated.insert(entry.name) }
            case Reserve.fileName:
                if contents(of: entry.name, in: descriptor).starts(with: reserveMark) {
                    listing.generated.insert(entry.name)
                }
            case ".gitignore":
                if contents(of: entry.name, in: descriptor) == Array("*\n".utf8) {
                    listing.generated.insert(entry.name)
                }
            default: continue
            }
        }
        return listing
    }

    private func kind(of name: String, in folder: Int32) -> FolderListing.Kind? {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .other
        }
    }

    private func contents(of name: String, in folder: Int32) -> [UInt8] {
        let file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(file, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    /// Opens a folder. Follows links in the path to the data folder, but not below it. nil: it does not exist.
    private func open(_ path: String) throws(FileError) -> Int32? {
        guard path != dataDirectory else { return try openAnywhere(path) }
        guard path.hasPrefix(dataDirectory + "/") else { return try openPart(AT_FDCWD, path, path) }
        var folder = try openAnywhere(dataDirectory)
        for part in path.dropFirst(dataDirectory.count + 1).split(separator: "/") {
            guard let parent = folder else { return nil }
            defer { close(parent) }
            folder = try openPart(parent, String(part), path)
        }
        return folder
    }

    private func openAnywhere(_ path: String) throws(FileError) -> Int32? {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw FileError("open the folder", path, code: errno) }
        return descriptor
    }

    private func openPart(_ folder: Int32, _ name: String, _ path: String) throws(FileError) -> Int32? {
        let descriptor = Glibc.openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw FileError("open the folder", path, code: errno) }
        return descriptor
    }
}
