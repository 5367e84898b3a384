import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// A data folder without a running clusterd, for `fix` to inspect and repair.
struct StoppedCluster {
    let dataDirectory: String
    /// nil: there is none, or it is unreadable; the next start moves an unreadable one aside.
    let record: Record?

    /// - Parameters:
    ///   - candidates: possible data folders; the first one that exists is used.
    ///   - noDaemon: thrown if none exists.
    init(in candidates: [String], noDaemon: Failure) throws(Failure) {
        guard let path = candidates.map({ Paths.absolute($0) }).first(where: { access($0, F_OK) == 0 }) else {
            throw noDaemon
        }
        dataDirectory = path
        var status = stat()
        if stat(path, &status) == 0, status.st_uid != geteuid() {
            let owner = UserAccount.name(of: status.st_uid)
            throw Failure(
                "no-permission", "\(path) belongs to user \(owner), and moved files must keep that owner",
                hint: "sudo -u \(owner) clusterd fix …")
        }
        try FolderOwner.check(path)
        guard access("\(path)/state.json", F_OK) == 0 else {
            record = nil
            return
        }
        do {
            record = try RecordCoding.decode(try readFile("\(path)/state.json", limit: 64 << 20))
        } catch let error as RecordCoding.Failure {
            if case .newer = error {
                throw Failure(
                    "record-newer", "\(path)/state.json was written by a newer clusterd", hint: "use that version")
            }
            record = nil
        } catch {
            throw Failure("record", "\(error)")
        }
    }

    func takeLock() throws(Failure) -> FileLock { try .keepingClusterdOut(of: dataDirectory) }

    func plan(keep: String?) throws(Failure) -> FolderPlan {
        let directories = survey(dataDirectory: dataDirectory, extra: record?.members.map(\.directory) ?? [])
        let look = FolderLook(record, directories)
        let isUsual = dataDirectory == Paths.absolute("clusterd-data")
        return try FolderPlan(
            record, directories, inUse: look.inUse, keep: keep,
            option: isUsual ? "" : " --dir \(ShellWord.quoted(dataDirectory))")
    }

    /// Carries out a repair. Returns the folder in quarantine; nil: the files were already gone.
    func carryOut(_ repair: Repair) throws(Failure) -> String? {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let wall = WallTime(milliseconds: Int64(time.tv_sec) * 1000)
        guard case .setAside(let move) = repair.begun(at: wall) else { return nil }
        let order = move.quarantine
        do {
            return try Quarantine(root: dataDirectory + "/quarantine").move(
                order.files, from: order.directory, into: order.folder, note: order.note)
        } catch {
            throw Failure(
                "not-moved", "\(error); files that were moved before are in quarantine/",
                hint: "run clusterd fix again",
                exit: error.code == EACCES || error.code == EPERM
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
    }
}

extension FileLock {
    /// A lock that proves that no clusterd runs in this folder, and prevents one from starting while it is held.
    static func keepingClusterdOut(of dataDirectory: String) throws(Failure) -> FileLock {
        do {
            return try take(dataDirectory + "/lock")
        } catch {
            throw Failure(
                "already-running", "a clusterd runs in \(dataDirectory) and does not answer: \(error)",
                hint: "clusterd status --dir \(ShellWord.quoted(dataDirectory))")
        }
    }
}
