import ClusterModel

/// Each node saves its nodes.conf when a config epoch changes, and most engines end if they cannot: a promotion on a full disk kills the
/// promoted node and its peers (docs/engines.md). So clusterd makes room first, or leaves the roles unchanged (invariant: epoch-room).
enum NodesConfHeadroom: Equatable {
    case enough
    /// The reserve is being released.
    case coming
    case none(NodesConfShortage)
}

/// The disk that is too full, and the node that could not save its nodes.conf there.
package struct NodesConfShortage: Sendable, Hashable, Codable {
    package var disk: Disk
    package var endangered: NodeName
}

extension Turn {
    /// What the nodes of one disk may need: each writes a new file next to the old one.
    var nodesConfHeadroom: Int64 { max(1 << 20, Int64(members.count) << 16) }

    func canSave(_ member: Member) -> Bool {
        disk(of: member.directory).map { $0.free >= nodesConfHeadroom && hasFilesForEpoch($0) } ?? true
    }

    /// A new file for each nodes.conf.
    func hasFilesForEpoch(_ disk: Disk) -> Bool { disk.freeFiles.map { $0 >= Int64(members.count) } ?? true }

    /// Whether no node that is needed would end if `candidate` became master in place of `master`. The replaced master is not needed, nor
    /// is a master whose replica can take over from it.
    mutating func nodesConfHeadroom(toReplace master: Member, by candidate: Member, _ topology: Topology)
        -> NodesConfHeadroom
    {
        let running = members.filter { self.running($0.name) != nil }
        if releaseReserves(of: running) { return .coming }
        let endangered = ([candidate] + running).first { member in
            guard !canSave(member) else { return false }
            if member.id == candidate.id { return true }
            return member.id != master.id && topology.owns(member.id) && !hasHeir(member, topology)
        }
        guard let endangered, let disk = disk(of: endangered.directory) else { return .enough }
        return .none(NodesConfShortage(disk: disk, endangered: endangered.name))
    }

    private func hasHeir(_ master: Member, _ topology: Topology) -> Bool {
        replicas(of: master, topology).contains {
            running($0.name) != nil && !fellBehind($0, master) && canSave($0)
        }
    }

    /// Whether every running node can save its nodes.conf, for changes that affect all of them.
    mutating func hasRoomForEpoch() -> Bool {
        let running = members.filter { self.running($0.name) != nil }
        if releaseReserves(of: running) { return false }
        return running.allSatisfy(canSave)
    }

    /// What must happen before a living master is ordered to hand over, and the reason why an operation fails that waited in vain; nil:
    /// there is room.
    mutating func roomWait(
        toReplace master: Member, by candidate: Member, _ topology: Topology
    ) -> (step: OperationStep, why: RoomObstacle)? {
        if lastHandOver(to: candidate, from: master, topology)?.isUnderWay == true { return nil }
        switch nodesConfHeadroom(toReplace: master, by: candidate, topology) {
        case .enough: return nil
        case .coming: return (.awaitingReserve, .reserve)
        case .none(let shortage):
            return (.awaitingRoom(folder: shortage.disk.folder, for: shortage.endangered), .shortage(shortage))
        }
    }

    // MARK: a dead master

    /// There is no room for a promotion: the dead master restarts in place, unless its replica is known to have more (invariant:
    /// no-older-master).
    mutating func hold(
        _ master: Member, for candidate: Candidate, _ shortage: NodesConfShortage, _ survey: Observation.Survey
    ) -> FailoverDecision {
        guard isSurveyed(master) else { return .waits }
        let hint = "make room on that disk; clusterd then continues automatically"
        let held = "\(candidate.member.name) does not take over from \(master.name): \(shortage.words)"
        var trouble: String?
        let mine = freshness(of: master, survey)
        // If neither has a key or a function, there is nothing to lose.
        let isEmpty = mine.durability == .nothing && !candidate.report.load.holdsData
        if !isEmpty, case .fresher(let why) = freshness(of: candidate.member, survey).compared(with: mine) {
            trouble = "\(candidate.member.name) has newer data (\(why.words))"
        } else if !canStartInPlace(master) {
            trouble = "it cannot be started"
        }
        if let trouble {
            emit(
                Finding(
                    .failoverHeld, .error, node: candidate.member.name, shard: master.name,
                    "\(held); clusterd does not restart \(master.name) in place either: \(trouble)", hint: hint))
            wait(.roomToFailOver(to: candidate.member.name, from: master.name))
            return .waits
        }
        give(Verdict(master: master.name, candidate: nil, why: .noRoom(shortage)))
        emit(
            Finding(
                .failoverHeld, .warning, node: candidate.member.name, shard: master.name,
                "\(held); clusterd restarts \(master.name) in place", hint: hint))
        return .inPlace
    }

    // MARK: a living master

    /// A master whose disk is almost full hands over to a replica with room on another disk while it can: once the disk is full, it rejects
    /// writes and ends when its nodes.conf changes.
    mutating func relieve(_ topology: Topology) {
        guard spec.supervision.failover != .off, !isPaused,
            decision.record?.operations.contains(where: { $0.isOpen && $0.isExclusive }) != true
        else { return }
        for master in members where topology.owns(master.id) && freshReply(from: master) != nil {
            guard let full = disk(of: master.directory), isNearlyFull(full) else { continue }
            let others = replicas(of: master, topology).filter { member in
                disk(of: member.directory).map { $0 != full && !isNearlyFull($0) && !spec.isLow($0) } ?? false
            }
            guard let candidate = able(others), let contact = contact(candidate), !isBusy(candidate.name),
                electionWait(of: candidate, after: master, topology, Story()) == nil,
                roomWait(toReplace: master, by: candidate, topology) == nil
            else { continue }
            let why = VerdictReason.diskAlmostFull(folder: full.folder, free: full.free)
            give(Verdict(master: master.name, candidate: candidate.name, why: why))
            _ = orderHandOver(to: candidate, contact, from: master, topology)
            wait(.failover(to: candidate.name, from: master.name, Shown(why.words)))
        }
    }

    /// With or without the reserve, so that releasing it changes nothing.
    private func isNearlyFull(_ disk: Disk) -> Bool {
        disk.free + disk.reserve < 2 * Reserve.bytes || disk.lacksFiles
    }
}
