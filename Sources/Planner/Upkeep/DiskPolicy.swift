import ClusterModel

/// Free space on the disks of the cluster: the reserve on each, whether nodes can start there, and the findings about it
/// (docs/supervision.md; invariant: epoch-room).
extension Turn {
    /// The disk of a folder; nil: it is unknown, and nothing is held back.
    func disk(of folder: String) -> Disk? { seen.disks.first { $0.folders.contains(folder) } ?? seen.disks.first }

    /// Below `min-free` clusterd creates nothing new.
    mutating func lacksSpace() -> Bool {
        guard let disk = seen.disks.first(where: spec.isLow) else { return false }
        let need = spec.bytesNeeded(on: disk)
        let needed = disk.lacksFiles ? String(Disk.filesNeeded) : Disk.text(need)
        let short = "\(disk.shortage), and \(needed) are needed"
        let source =
            disk.lacksFiles ? "" : need == spec.minimumFreeBytes ? " (cluster.min-free)" : " (a tenth of that disk)"
        let hint =
            disk.lacksFiles
            ? "remove files on that disk (df -i), or choose another folder"
            : "make room on that disk, choose another folder, or set cluster.min-free lower"
        if spec.isTemporary {
            // A command waits for this cluster, and would wait for space without a limit.
            refuse(
                Failure(.diskFull, short + source + ": nothing was started", hint: hint))
            return true
        }
        emit(
            Finding(
                .diskFull, .error, short + source + ": clusterd forms the cluster as soon as there is room", hint: hint)
        )
        let left = disk.lacksFiles ? "\(disk.freeFiles ?? 0) inodes" : Disk.text(disk.free)
        wait(.room(folder: disk.folder, free: Shown(left), needed: Shown(needed)))
        return true
    }

    // MARK: starting nodes

    /// Whether a stopped node has to wait for space. A node that ran until now, and owns slots that no other node can take, is restarted
    /// even with little space, unless the lack of space ended it.
    func lacksRoom(toStart member: Member, _ topology: Topology) -> Bool {
        guard let disk = disk(of: member.directory), spec.isLow(disk) else { return false }
        guard let exit = exited(member.name), topology.owns(member.id) else { return true }
        return exit.reason.kind == .diskFull
    }

    mutating func awaitRoom(toStart member: Member) {
        wait(.roomToStart(member.name))
        wake(after: .seconds(1))
    }

    // MARK: the reserve

    /// Created where there is plenty of space, and once the cluster is ready: until then it would only cause delays.
    mutating func keepReserves() {
        guard decision.assessment.ready || seen.wasReady, !spec.isTemporary else { return }
        for disk in seen.disks
        where disk.reserve < Reserve.bytes && disk.free >= spec.bytesForReserve(on: disk) && !disk.lacksFiles {
            guard case .failed(let why, _) = ensure(.makeReserve(folder: disk.folder), retryAfter: .seconds(10))
            else { continue }
            emit(
                Finding(
                    .reserveMissing, .warning, about: .path(disk.folder),
                    "clusterd has no reserve for a full disk in \(disk.folder): \(why)",
                    hint:
                        "check that folder; without a reserve, clusterd promotes no replica there once the disk is full"
                ))
        }
    }

    /// Releases the reserves of these disks that are short of space; returns whether a release is under way.
    mutating func releaseReserves(of members: [Member]) -> Bool {
        var isComing = false
        let folders = Set(members.map(\.directory))
        for disk in seen.disks
        where disk.free < Reserve.bytes && disk.reserve > 0 && !folders.isDisjoint(with: disk.folders) {
            if case .failed = ensure(.releaseReserve(folder: disk.folder)) { continue }
            isComing = true
        }
        return isComing
    }

    // MARK: a save that failed

    /// Until a save succeeds, the engine rejects writes, and the PING of its own replica too (MISCONF); on its own it retries only after
    /// another write, which it rejects.
    mutating func saveAgain() {
        for member in members {
            guard !isBusy(member.name), let report = freshReply(from: member), !report.loading,
                !report.persistence.lastSaveOK,
                !report.persistence.saving, let disk = disk(of: member.directory), !spec.isLow(disk),
                let contact = contact(member)
            else { continue }
            ensure(.save(member.name, contact), retryAfter: .seconds(5), repeatAfter: .seconds(15))
        }
    }

    // MARK: findings

    /// Reported as long as it is so.
    mutating func reportDisks() {
        for disk in seen.disks {
            let nodes = members.filter { disk.folders.contains($0.directory) }
            let unstarted = nodes.filter { decision.waits.contains(.roomToStart($0.name)) }.map(\.name.text)
            let isFull = (disk.free < nodesConfHeadroom && disk.reserve == 0) || !hasFilesForEpoch(disk)
            guard isFull || spec.isLow(disk) || !unstarted.isEmpty else { continue }
            let need = disk.lacksFiles ? String(Disk.filesNeeded) : Disk.text(spec.bytesNeeded(on: disk))
            var words = "\(disk.shortage); below \(need) clusterd starts nothing"
            if isFull {
                let least = disk.lacksFiles ? String(members.count) : Disk.text(nodesConfHeadroom)
                words += ", and below \(least) it promotes no replica there"
            }
            if !unstarted.isEmpty { words += "; waiting for room: \(unstarted.joined(separator: " "))" }
            let isOfOne = nodes.count == 1 && !disk.folders.contains(spec.dataDirectory)
            let node = isOfOne ? nodes[0].name : nil
            let hint =
                disk.lacksFiles
                ? "remove files on that disk (df -i); clusterd then continues automatically"
                : "make room on that disk; clusterd then continues automatically"
            emit(
                isFull || !unstarted.isEmpty
                    ? Finding(.diskFull, .error, node: node, about: .path(disk.folder), words, hint: hint)
                    : Finding(.diskLow, .warning, node: node, about: .path(disk.folder), words, hint: hint))
        }
    }
}
