import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import ProcessSupervision

/// Finds files of a data folder that another user owns, most often because clusterd once ran there as root: the folder's owner
/// can then neither read the record nor start the nodes.
enum FolderOwner {
    /// Files that clusterd and the engines add to.
    private static let appended: Set<String> = ["lock", "events.jsonl", "clusterd.log", "redis.log", "reserve"]

    private static let own = appended.union(["state.json", "kept-settings.yaml", "journal-position.json", "nodes"])

    /// The maximum number of files that the message names.
    private static let examples = 3

    /// Throws if the folder has files that this user may not use.
    static func check(_ folder: String) throws(Failure) {
        guard geteuid() != 0 else { return }
        let found = locked(in: folder)
        guard let first = found.first else { return }
        let names = found.prefix(examples).map { String($0.path.dropFirst(folder.utf8.count + 1)) }
        let rest = found.count > examples ? " and \(found.count - examples) more" : ""
        throw Failure(
            "no-permission",
            "user \(UserAccount.name(of: geteuid())) may not use files in \(folder) that belong to user "
                + "\(UserAccount.name(of: first.owner)) (\(names.joined(separator: ", "))\(rest)); clusterd may have run there "
                + "as \(UserAccount.name(of: first.owner))",
            hint: hint(folder))
    }

    static func hint(_ folder: String) -> String {
        "change their owner: sudo chown -R \(UserAccount.name(of: geteuid())): \(ShellWord.quoted(folder))"
    }

    /// The warning for root in another user's folder.
    static func warning(_ folder: String) -> String? {
        var status = stat()
        guard geteuid() == 0, stat(folder, &status) == 0, status.st_uid != 0 else { return nil }
        let owner = UserAccount.name(of: status.st_uid)
        return
            "warning   \(folder) belongs to user \(owner), but clusterd runs as root: files that it creates there belong to root\n"
            + "          to change their owner afterwards: sudo chown -R \(owner): \(ShellWord.quoted(folder))"
    }

    /// Looks at clusterd's own files, and at everything in nodes/. Other files, such as lost+found, are not clusterd's.
    private static func locked(in folder: String) -> [(path: String, owner: uid_t)] {
        var found: [(path: String, owner: uid_t)] = []
        func look(_ parent: String, depth: Int) {
            for name in ((try? listDirectory(parent)) ?? []).sorted() where depth > 0 || own.contains(name) {
                let path = "\(parent)/\(name)"
                var status = stat()
                guard lstat(path, &status) == 0 else { continue }
                let isFolder = status.st_mode & S_IFMT == S_IFDIR
                guard isFolder || status.st_mode & S_IFMT == S_IFREG else { continue }
                let needed = isFolder ? R_OK | W_OK | X_OK : appended.contains(name) ? R_OK | W_OK : R_OK
                if status.st_uid != geteuid(), access(path, Int32(needed)) != 0, errno == EACCES {
                    found.append((path, status.st_uid))
                } else if isFolder, depth < 3 {
                    look(path, depth: depth + 1)
                }
            }
        }
        look(folder, depth: 0)
        return found
    }
}
