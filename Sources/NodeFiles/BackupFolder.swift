import ClusterModel
import Glibc

/// The folder of one backup: made under a name that ends in `.partial`, and renamed once everything in it is durable. After a crash at
/// any moment, either the complete folder has its final name, or none has it.
package struct BackupFolder: Sendable {
    /// The folder of all backups, absolute.
    package let directory: String
    package let name: String
    private let suffix: String

    package init(directory: String, name: String, partialSuffix suffix: String) {
        self.directory = directory
        self.name = name
        self.suffix = suffix
    }

    package var path: String { "\(directory)/\(name)" }
    package var partial: String { path + suffix }

    /// Makes the folder of all backups, if only that is missing.
    package func makeDirectory() throws(FileError) {
        let parent = splitPath(directory).directory
        guard let status = try status(parent) else { throw FileError("find the folder", parent, code: ENOENT) }
        guard status.isDirectory else { throw FileError("use the folder", parent, code: ENOTDIR) }
        try NodeFiles.makeDirectory(directory)
        guard access(directory, W_OK | X_OK) == 0 else { throw FileError("write to", directory, code: errno) }
    }

    /// Makes the folder of this backup, with a note that says whose it is.
    package func begin(note: [UInt8], named noteName: String) throws(FileError) {
        for place in [path, partial] {
            if try status(place) != nil { throw FileError("create", place, code: EEXIST) }
        }
        guard mkdir(partial, 0o700) == 0 else { throw FileError("create the folder", partial, code: errno) }
        try writeDurably(note, to: "\(partial)/\(noteName)", mode: 0o600)
        try syncDirectory(directory)
    }

    /// Writes the manifest, removes the note, and gives the folder its name.
    package func finish(manifest: [UInt8], named manifestName: String, note: String) throws(FileError) {
        guard try status(path) == nil else { throw FileError("create", path, code: EEXIST) }
        try writeDurably(manifest, to: "\(partial)/\(manifestName)", mode: 0o600)
        guard unlink("\(partial)/\(note)") == 0 || errno == ENOENT else {
            throw FileError("remove", "\(partial)/\(note)", code: errno)
        }
        try syncDirectory(partial)
        guard rename(partial, path) == 0 else { throw FileError("rename", partial, code: errno) }
        try syncDirectory(directory)
    }

    /// Removes what was made so far.
    package func discard() throws(FileError) { try removeTree(partial) }

    /// Removes a complete backup. It loses its name first: an interrupted removal leaves no folder that looks complete.
    package func remove() throws(FileError) {
        guard rename(path, partial) == 0 else { throw FileError("rename", path, code: errno) }
        try syncDirectory(directory)
        try removeTree(partial)
    }

    /// The final names of the folders that were not finished, and of those that were.
    package static func names(
        in directory: String, partialSuffix suffix: String
    ) throws(FileError) -> (unfinished: [String], finished: [String]) {
        var (unfinished, finished): ([String], [String]) = ([], [])
        for name in try listDirectory(directory) where isDirectory("\(directory)/\(name)") {
            if isLink("\(directory)/\(name)") { continue }
            if name.hasSuffix(suffix) {
                unfinished.append(String(name.dropLast(suffix.count)))
            } else {
                finished.append(name)
            }
        }
        return (unfinished, finished)
    }

    /// Removes an unfinished folder in which nothing was written, not even whose it is. Others stay.
    package func removeIfEmpty() { rmdir(partial) }

    /// Whether it was last changed this long ago.
    package func isUnchanged(for age: Duration) -> Bool {
        guard let found = (try? status(partial)).flatMap({ $0 }) else { return false }
        return WallTime.now > found.modified + age
    }
}

/// The absolute path without links; nil if it does not exist.
package func realPath(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
}
