import Glibc

/// Renames a file over another one atomically.
package func replaceDurably(_ path: String, by other: String) throws(FileError) {
    try OpenFile(other, O_RDONLY, doing: "read").sync()
    guard rename(other, path) == 0 else { throw FileError("replace", path, code: errno) }
    try syncDirectory(splitPath(path).directory)
}

package func fileSize(_ path: String) throws(FileError) -> Int64? {
    try status(path).map { Int64($0.st_size) }
}
