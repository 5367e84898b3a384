import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// A data folder in which no clusterd works, for `fix` to look at and to repair.
struct StoppedCluster {
    let dataDirectory: String
    /// nil: there is none, or it cannot be read; the next start keeps such a one aside.
    let record: Record?

    /// - Parameters:
    ///   - candidates: where it may be; the first folder that is there is it.
    ///   - noDaemon: what is said where there is none.
    init(in candidates: [String], noDaemon: Failure) throws(Failure) {
        guard let path = candidates.map({ Paths.absolute($0) }).first(where: { access($0, F_OK) == 0 }) else {
            throw noDaemon
        }
        dataDirectory = path
        var status = stat()
        if stat(path, &status) == 0, status.st_uid != geteuid() {
            let owner = UserAccount.name(of: status.st_uid)
            throw Failure(
                "no-permission", "\(path) belongs to user \(owner), and what is moved must stay theirs",
                hint: "sudo -u \(owner) clusterd fix …", exit: ControlAPI.ExitCode.noPermission)
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
                    "record-newer", "\(path)/state.json was written by a newer clusterd", hint: "use that version",
                    exit: ControlAPI.ExitCode.configuration)
            }
            record = nil
        } catch {
            throw Failure("record", "\(error)", exit: ControlAPI.ExitCode.failed)
        }
    }

    func takeLock() throws(Failure) -> FileLock { try .keepingClusterdOut(of: dataDirectory) }

    func plan(keep: String?) throws(Failure) -> FolderPlan {
        let directories = survey(dataDirectory: dataDirectory, extra: record?.members.map(\.directory) ?? [])
        let look = FolderLook(record, directories)
        do {
            let isUsual = dataDirectory == Paths.absolute("clusterd-data")
            return try FolderPlan(
                record, directories, inUse: look.inUse, keep: keep,
                option: isUsual ? "" : " --dir \(ShellWord.quoted(dataDirectory))")
        } catch {
            throw Failure(error)
        }
    }

    /// Where in the quarantine things went; nil: they were gone already.
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
                "not-moved", "\(error); what was moved before is in quarantine/", hint: "clusterd fix once more",
                exit: error.code == EACCES || error.code == EPERM
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
    }
}

extension FileLock {
    /// No clusterd works in this folder, and none begins to for as long as this is held.
    static func keepingClusterdOut(of dataDirectory: String) throws(Failure) -> FileLock {
        do {
            return try take(dataDirectory + "/lock")
        } catch {
            throw Failure(
                "already-running", "clusterd works in \(dataDirectory) and does not answer: \(error)",
                hint: "clusterd status --dir \(ShellWord.quoted(dataDirectory))", exit: ControlAPI.ExitCode.failed)
        }
    }
}
