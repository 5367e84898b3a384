import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// A cluster that is to be destroyed, as it lies on disk.
struct CondemnedCluster {
    let dataDirectory: String
    let record: Record
    private let folders: ClusterFolders

    /// - Parameter candidates: where it may be; the first folder that has a record is it.
    init(in candidates: [String]) throws {
        let paths = candidates.map { Paths.absolute($0) }
        guard let path = paths.first(where: { access("\($0)/state.json", F_OK) == 0 }) else {
            let isHidden = paths.contains { access($0, F_OK) == 0 && access($0, X_OK) != 0 }
            throw Failure(
                "no-cluster", "there is no cluster in \(paths.joined(separator: ", nor in ")): no state.json",
                hint: isHidden ? "its owner may look into it" : "name its folder with --dir",
                exit: isHidden ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
        dataDirectory = path
        folders = ClusterFolders(path)
        try FolderOwner.check(path)
        do {
            record = try RecordCoding.decode(try readFile("\(path)/state.json", limit: 64 << 20))
        } catch {
            throw Failure(
                "record",
                "\(path)/state.json cannot be read, so that nobody knows what belongs to this cluster: \(error)",
                hint: "clusterd up --dir \(ShellWord.quoted(path)) rebuilds it", exit: ControlAPI.ExitCode.configuration
            )
        }
    }

    /// A record is believed as to which folders are its own, and so it must be the caller's own record: in root's hands one that
    /// somebody else wrote could name any folder of the host.
    func mayBeDeleted() throws {
        var status = stat()
        guard stat(dataDirectory, &status) == 0, status.st_uid != geteuid() else { return }
        let owner = UserAccount.name(of: status.st_uid)
        throw Failure(
            "no-permission", "\(dataDirectory) belongs to user \(owner)", hint: "sudo -u \(owner) clusterd destroy …",
            exit: ControlAPI.ExitCode.noPermission)
    }

    func plan() throws -> Destruction {
        do {
            return Destruction(
                record, dataDirectory: dataDirectory,
                folders: try folders.listings(record.members.map(\.directory)))
        } catch {
            throw Failure("folder-unusable", "\(error)", exit: ControlAPI.ExitCode.failed)
        }
    }

    func takeLock() throws -> FileLock { try .keepingClusterdOut(of: dataDirectory) }

    /// Nodes that outlived their clusterd, or could not save: their keys are to go anyway. A process in a node's folder that is
    /// not the one in the record is nobody's to end, and what it uses is not deleted under it.
    func endProcesses() throws {
        let look = FolderLook(record, record.members.map { DirectoryFacts(path: $0.directory) })
        var ours: [ProcessIdentity] = []
        for member in record.members {
            switch look.life(of: member) {
            case .alive(let identity): ours.append(identity)
            case .dead: break
            case .unproven(let doubt): throw Self.inUse(doubt, member)
            }
        }
        if let (user, member) = look.stranger(besides: ours) { throw Self.inUse(.folderInUse(user), member) }
        let watch = ProcessWatch()
        for identity in ours {
            do {
                try watch.watch(identity) { _, _ in }
                try watch.signal(identity, SIGKILL)
            } catch .gone {
                continue
            } catch {
                throw Failure(
                    "not-stopped", "pid \(identity.pid) cannot be ended: \(error)", exit: ControlAPI.ExitCode.failed)
            }
            guard ProcessWatch.wait(for: identity.pid, limit: .seconds(10)) else {
                throw Failure(
                    "not-stopped", "pid \(identity.pid) was killed and still runs; nothing was deleted",
                    exit: ControlAPI.ExitCode.failed)
            }
        }
    }

    private static func inUse(_ doubt: ProcessLife.Doubt, _ member: Member) -> Failure {
        Failure(
            "directory-in-use", "\(words(doubt, member)); nothing was deleted", hint: hint(doubt, member),
            exit: ControlAPI.ExitCode.failed)
    }

    private static func words(_ doubt: ProcessLife.Doubt, _ member: Member) -> String {
        switch doubt {
        case .folderInUse(let user):
            "\(user.directory) is in use by \(user.command) (pid \(user.identity.pid)), which clusterd does not know"
        case .hidden(let process): "\(process) of \(member.name) may still run, and /proc hides it"
        case .unseen, .notLooked:
            "a process that may not be looked at may work in \(member.directory), and port \(member.ports.client) is in use"
        }
    }

    private static func hint(_ doubt: ProcessLife.Doubt, _ member: Member) -> String {
        switch doubt {
        case .folderInUse: "stop that process"
        case .hidden(let process): "sudo ps -o pid,user,lstart,args -p \(process.pid)"
        case .unseen, .notLooked: "sudo ss -ltnp 'sport = :\(member.ports.client)'"
        }
    }

    func delete(_ plan: Destruction) throws -> DestroyDocument {
        var result = DestroyDocument(cluster: record.cluster, dir: dataDirectory)
        result.kept = plan.kept.map { .init(path: $0.path, why: $0.why) }
        do throws(FileError) {
            for step in plan.steps {
                switch step {
                case .file(let folder, let name):
                    guard let size = try folders.removeFile(name, from: folder) else { continue }
                    result.files += 1
                    result.bytes += size
                case .folder(let path): _ = try folders.removeFolder(path)
                }
            }
        } catch {
            throw Failure(
                "not-deleted", "\(error); \(result.files) files were deleted", hint: "clusterd destroy once more",
                exit: error.code == EACCES || error.code == EPERM
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
        return result
    }
}
