import ClusterModel
import ControlAPI
import ControlServer
import HostDriver
import NodeFiles
import Orchestrator
import Planner

/// Answers requests about `fix` and the quarantine.
struct FixHandler: Sendable {
    let orchestrator: Orchestrator<HostDriver>
    let driver: HostDriver
    let timeline: Timeline

    func plan(_ cluster: String, _ findings: [Finding]) -> FixDocument {
        FixDocument(cluster: cluster, dir: driver.spec.dataDirectory, findings)
    }

    func quarantine() -> QuarantineDocument { QuarantineDocument(driver.heldBack) }

    /// Deletes a folder before it returns. No node runs in the quarantine or starts from it.
    func remove(_ id: String, by who: RequestOrigin) -> ControlResponse {
        do {
            let removed = try QuarantineRemoval.remove(id, from: driver.heldBack)
            timeline.quarantineRemoved(id, bytes: removed.bytes, by: who)
            return .document(removed)
        } catch {
            return .refused(error)
        }
    }
}

extension FixDocument {
    /// Makes the plan from the findings. Reads a sample of the keys from the files.
    init(cluster: String, dir: String, _ findings: [Finding]) {
        var repairs: [RepairDocument] = []
        for finding in findings {
            guard let repair = finding.repair, !repairs.contains(where: { $0.id == repair.id }) else { continue }
            repairs.append(
                RepairDocument(
                    id: repair.id, finding: FindingDocument(finding), text: repair.text,
                    keys: repair.folder.flatMap { keySample(of: $0) }.map { KeysDocument($0) }))
        }
        let left = findings.filter { $0.repair == nil && $0.severity > .info }
        self.init(cluster: cluster, dir: dir, repairs: repairs, left: left.map { FindingDocument($0) })
    }
}

extension QuarantineDocument {
    init(_ quarantine: Quarantine) {
        self.init(
            dir: quarantine.root,
            folders: quarantine.contents().map { QuarantineFolderDocument($0, in: quarantine) }
                .sorted { ($0.at.time, $0.id) < ($1.at.time, $1.id) })
    }
}

extension QuarantineFolderDocument {
    init(_ folder: Quarantine.Folder, in quarantine: Quarantine) {
        self.init(
            id: folder.name, at: Timestamp(folder.modified), node: Self.node(inName: folder.name), bytes: folder.bytes,
            why: folder.why, keys: keySample(of: "\(quarantine.root)/\(folder.name)").map { KeysDocument($0) })
    }
}

/// Deletes one folder of the quarantine, in the daemon, or in the command if no daemon runs.
enum QuarantineRemoval {
    static func remove(_ id: String, from quarantine: Quarantine) throws(Failure) -> QuarantineFolderDocument {
        let held = quarantine.contents()
        guard let folder = held.first(where: { $0.name == id }) else {
            let names = held.suffix(5).map(\.name).joined(separator: ", ")
            throw Failure(
                "unknown-quarantine",
                "there is no '\(id.prefix(200))' in \(quarantine.root)"
                    + (held.isEmpty ? ", which is empty" : "; the newest are \(names)"),
                hint: "clusterd quarantine list")
        }
        let document = QuarantineFolderDocument(folder, in: quarantine)
        do {
            _ = try quarantine.remove(id)
        } catch {
            throw Failure(
                "not-removed", error.description,
                exit: error.code == 13 || error.code == 1
                    ? ControlAPI.ExitCode.noPermission : ControlAPI.ExitCode.failed)
        }
        return document
    }
}
