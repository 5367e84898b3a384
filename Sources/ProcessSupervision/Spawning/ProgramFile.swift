import Glibc

/// Where this program lies on disk, for one that is to start itself again: what is there then may be another version.
package enum ProgramFile {
    /// As it was named when it was started, where that leads to the file that runs: a link that an upgrade turns to another
    /// version is followed anew. To be asked for before the file is replaced, and once.
    package static func find() -> String {
        let file = running()
        guard let word = CommandWord.arguments.first?.text, !word.isEmpty else { return file }
        let path = getenv("PATH").map { String(cString: $0) }
        guard case .success(let found) = CommandSearch.find(CommandWord(word), path: path),
            isSame(found.text, "/proc/self/exe")
        else { return file }
        return found.text.hasPrefix("/") ? found.text : absolute(found.text)
    }

    /// /proc/self/exe; of a file that was replaced or removed, where it was (proc(5)).
    private static func running() -> String {
        let suffix = " (deleted)"
        let path = ProcessTable.linkTarget("/proc/self/exe") ?? "/proc/self/exe"
        guard path.hasSuffix(suffix), access(path, F_OK) != 0 else { return path }
        return String(path.dropLast(suffix.count))
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (a, b) = (stat(), stat())
        return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev
    }

    /// What `..` leads to is the file system's affair.
    private static func absolute(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(parts.joined(separator: "/"))"
    }
}
