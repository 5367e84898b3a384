import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import Systemd

/// The conditions for a start, checked before anything is changed (invariant: one-daemon).
enum Preflight {
    /// What the engine needs in addition to its clients (`CONFIG_MIN_RESERVED_FDS`, src/server.h), and room for the bus.
    static let leastOpenFiles: UInt64 = 256

    static func check(_ spec: ClusterSpec) throws(Failure) {
        try checkUnitAllows([spec.dataDirectory] + spec.nodesOwnFolders)
        guard OpenFileLimit.hard >= leastOpenFiles else {
            throw Failure(
                "open-files",
                "the limit on open files is \(OpenFileLimit.hard), but a node needs at least \(leastOpenFiles)",
                hint: "raise it: ulimit -n 16384, or LimitNOFILE= in the unit")
        }
    }

    /// Checks the loopback address, at which nodes are reached unless they listen only elsewhere. For a formed cluster only warns,
    /// because its interfaces may still come up.
    static func checkLoopback(_ spec: ClusterSpec, _ record: Record?) throws(Failure) {
        guard spec.connectHost.hasPrefix("127."), let why = Loopback.trouble(spec.connectHost) else { return }
        let words = "no node can be reached at \(spec.connectHost): \(why); the loopback interface is down"
        let hint = "ip link set lo up"
        guard record?.stage == .formed else {
            throw Failure("no-loopback", words, hint: hint)
        }
        Output.note("warning: \(words); \(hint)")
    }

    /// Under ProtectSystem=, a folder outside of the unit's own folders is read-only: the hint has the lines that allow it.
    private static func checkUnitAllows(_ folders: [String]) throws(Failure) {
        for folder in folders {
            var existing = folder
            while access(existing, F_OK) != 0, let slash = existing.dropFirst().lastIndex(of: "/") {
                existing = String(existing[..<slash])
            }
            guard access(existing, W_OK) != 0, errno == EROFS else { continue }
            let hint =
                ServiceUnit.name().map {
                    "if the unit makes it read-only: systemctl edit \($0), and add\n"
                        + "         [Service]\n         ReadWritePaths=\(existing)"
                } ?? "choose another folder"
            throw Failure(
                "folder-read-only", "the folder \(folder) is read-only for clusterd", hint: hint)
        }
    }

    /// New nodes use TLS as configured, running nodes as they were started. Nodes with and without TLS cannot form one cluster.
    static func checkTransport(_ spec: ClusterSpec, _ record: Record) throws(Failure) {
        let others = record.members.filter { member in
            guard let bytes = try? readFile(member.directory + "/redis.conf", limit: 1 << 20) else { return false }
            return RedisConfFacts(fileName: "redis.conf", bytes).speaksTLS != spec.speaksTLS
        }
        guard !others.isEmpty else { return }
        let uses = ProcessTable.directoryUses(of: others.map(\.directory), bootID: ProcessTable.bootID()).uses
        guard let first = others.first(where: { member in uses.contains { $0.folder == member.directory } }) else {
            return
        }
        throw Failure(
            "tls-differs",
            "\(first.name) runs \(spec.speaksTLS ? "without" : "with") TLS, but the configuration says "
                + "\(spec.speaksTLS ? "with" : "without") TLS; nodes with and without TLS cannot form one cluster",
            hint: "stop all nodes first: clusterd run --stop-nodes; or revert the change of redis.tls-*")
    }

    static func user(_ spec: ClusterSpec) throws(Failure) -> UserAccount? {
        guard let name = spec.engineUser else { return nil }
        guard let user = UserAccount.named(name) else {
            throw Failure("no-user", "engine.user: there is no user '\(name)'")
        }
        if user.userID == getuid() { return nil }
        guard getuid() == 0 else {
            throw Failure(
                "no-permission", "engine.user: only root can run nodes as '\(name)'",
                hint: "remove engine.user, or run clusterd as root")
        }
        return user
    }

    /// Creates the data folder and takes its lock, so that no second clusterd works in it.
    ///
    /// - Parameter inherited: the lock, if this program took over from another one in place.
    static func claim(
        _ spec: ClusterSpec, _ mode: Daemon.Mode, _ user: UserAccount?, inherited: Int32? = nil
    ) throws(Failure) -> FileLock {
        let folder = spec.dataDirectory
        do throws(FileError) {
            var status = stat()
            let isNew = stat(folder, &status) != 0
            // A node that runs as another user must be able to traverse the folder.
            let mask: mode_t = user == nil ? 0o700 : 0o711
            try makeDirectory(folder, mode: mask, parentMode: 0o755)
            if !isNew, status.st_uid != getuid(), getuid() != 0 {
                throw FileError(
                    "use", "\(folder), which belongs to user \(UserAccount.name(of: status.st_uid))", code: EACCES)
            }
            if user != nil { try makeDirectory(folder + "/nodes", mode: 0o711, parentMode: 0o755) }
            if isNew, mode == .up { try writeDurably(Array("*\n".utf8), to: folder + "/.gitignore", mode: 0o600) }
        } catch {
            throw Failure(
                "folder-unusable", error.description,
                hint: "choose another folder with --dir, or run clusterd as the folder's owner",
                exit: error.code == EACCES || error.code == EPERM
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
        try FolderOwner.check(folder)
        do {
            return try FileLock.take(folder + "/lock", inherited: inherited)
        } catch {
            switch error {
            case .held(_, let pid):
                throw Failure(
                    "already-running",
                    "another clusterd\(pid.map { " (pid \($0))" } ?? "") runs in \(folder)",
                    hint: "clusterd status --dir \(ShellWord.quoted(folder))")
            default:
                throw Failure("lock", error.description)
            }
        }
    }
}

/// clusterd's own record on disk.
struct StoredRecord {
    var record: Record?
    var keptAside: String?

    /// - Parameter mayMove: whether an unreadable record is moved aside instead of being an error.
    static func read(_ dataDirectory: String, mayMove: Bool = true) throws(Failure) -> StoredRecord {
        let path = dataDirectory + "/state.json"
        let bytes: [UInt8]
        do {
            guard access(path, F_OK) == 0 else { return StoredRecord() }
            bytes = try readFile(path, limit: 64 << 20)
        } catch {
            throw Failure("record", error.description)
        }
        do {
            return StoredRecord(record: try RecordCoding.decode(bytes))
        } catch {
            switch error {
            case .newer(let schema):
                throw Failure(
                    "record-newer",
                    "\(path) was written by a newer clusterd (format \(schema); this version reads up to \(Record.schema))",
                    hint: "use that version; nothing was changed")
            case .unreadable(let why):
                guard mayMove else {
                    throw Failure("record", "\(path) cannot be read: \(why)")
                }
                return try keepAside(path)
            }
        }
    }

    private static func keepAside(_ path: String) throws(Failure) -> StoredRecord {
        var number = 1
        while access("\(path).unreadable-\(number)", F_OK) == 0 { number += 1 }
        let aside = "\(path).unreadable-\(number)"
        guard rename(path, aside) == 0 else {
            throw Failure("record", "\(path) can be neither read nor moved aside")
        }
        return StoredRecord(keptAside: aside)
    }
}
