import Glibc

/// The path of this program on disk, to start it again: the file may be another version by then.
package enum ProgramFile {
    /// The path with which the program was started, if it leads to the running file: a link that an upgrade redirects is then
    /// resolved again. Must be called once, before the file is replaced.
    package static func find() -> String {
        let file = running()
        guard let word = CommandWord.arguments.first?.text, !word.isEmpty else { return file }
        let path = getenv("PATH").map { String(cString: $0) }
        guard case .success(let found) = CommandSearch.find(CommandWord(word), path: path),
            isSame(found.text, "/proc/self/exe")
        else { return file }
        return found.text.hasPrefix("/") ? found.text : absolute(found.text)
    }

    /// /proc/self/exe; for a replaced or removed file its former path (proc(5)).
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

    /// Does not resolve `..`, which depends on links in the file system.
    private static func absolute(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(parts.joined(separator: "/"))"
    }
}
