import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// The files of a cluster to be destroyed.
struct CondemnedCluster {
    let dataDirectory: String
    let record: Record
    private let folders: ClusterFolders

    /// - Parameter candidates: possible data folders; the first one with a record is used.
    init(in candidates: [String]) throws {
        let paths = candidates.map { Paths.absolute($0) }
        guard let path = paths.first(where: { access("\($0)/state.json", F_OK) == 0 }) else {
            let isHidden = paths.contains { access($0, F_OK) == 0 && access($0, X_OK) != 0 }
            throw Failure(
                "no-cluster", "there is no cluster in \(paths.joined(separator: " or ")): no state.json",
                hint: isHidden ? "run it as the owner of the folder" : "give its folder with --dir",
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
                "\(path)/state.json cannot be read, so clusterd does not know which files belong to this cluster: \(error)",
                hint: "clusterd up --dir \(ShellWord.quoted(path)) rebuilds it", exit: ControlAPI.ExitCode.configuration
            )
        }
    }

    /// Requires that the caller owns the record. It names the folders to delete, so that a record written by another user could
    /// make root delete any folder of the host.
    func mayBeDeleted() throws {
        var status = stat()
        guard stat(dataDirectory, &status) == 0, status.st_uid != geteuid() else { return }
        let owner = UserAccount.name(of: status.st_uid)
        throw Failure(
            "no-permission", "\(dataDirectory) belongs to user \(owner)", hint: "sudo -u \(owner) clusterd destroy …")
    }

    func plan() throws -> Destruction {
        do {
            return Destruction(
                record, dataDirectory: dataDirectory,
                folders: try folders.listings(record.members.map(\.directory)))
        } catch {
            throw Failure("folder-unusable", "\(error)")
        }
    }

    func takeLock() throws -> FileLock { try .keepingClusterdOut(of: dataDirectory) }

    /// Kills nodes that outlived their clusterd or could not save: their keys are deleted anyway. Refuses if a process that is not
    /// in the record works in a node's folder: clusterd neither kills it nor deletes the files that it uses.
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
                    "not-stopped", "pid \(identity.pid) cannot be killed: \(error)")
            }
            guard ProcessWatch.wait(for: identity.pid, limit: .seconds(10)) else {
                throw Failure(
                    "not-stopped", "pid \(identity.pid) was killed but still runs; nothing was deleted")
            }
        }
    }

    private static func inUse(_ doubt: ProcessLife.Doubt, _ member: Member) -> Failure {
        Failure(
            "directory-in-use", "\(words(doubt, member)); nothing was deleted", hint: hint(doubt, member))
    }

    private static func words(_ doubt: ProcessLife.Doubt, _ member: Member) -> String {
        switch doubt {
        case .folderInUse(let user):
            "\(user.directory) is in use by \(user.command) (pid \(user.identity.pid)), which clusterd does not know"
        case .hidden(let process): "\(process) of \(member.name) may still run, but /proc hides it"
        case .unseen, .notLooked:
            "a process that you may not inspect may work in \(member.directory), and port \(member.ports.client) is in use"
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
                "not-deleted", "\(error); \(result.files) files were deleted", hint: "run clusterd destroy again",
                exit: error.code == EACCES || error.code == EPERM
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
        return result
    }
}
