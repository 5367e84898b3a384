import ClusterModel

/// One node less: a master hands over, the process stops with its data saved, every other node forgets it, its files go to quarantine, and
/// the record forgets it last. Until then the node can come back.
extension Turn {
    mutating func remove(
        _ leaver: inout Operation.Change.Leaver, startedAt: WallTime, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance {
        guard let member = find(leaver.node), member.hasLeft != true else {
            return .done(.removed(leaver.node))
        }
        if leaver.isForgotten { return clearFolder(of: member, startedAt: startedAt, story) }
        if running(member.name) != nil {
            guard let advance = takeOut(member, &leaver, since: begun, story, topology) else {
                return .working(.stopping(member.name))
            }
            if case .failed = advance { want(.running, member) }
            return advance
        }
        want(.stopped, member)
        if topology.owns(member.id) {
            want(.running, member)
            return .failed(.stillOwnsSlots(member.name))
        }
        if isBusy(member.name) { return .working(.awaitingEffects(on: member.name)) }
        guard let survey = seen.survey, case .dead = life(of: member, survey) else {
            return within(.awaitingEffects(on: member.name), story, else: .noAnswer)
        }
        switch forget(.init(member.id), since: begun, story) {
        case .working(let step): return .working(step)
        case .failed(let failure): return .failed(failure)
        case .done:
            leaver.isForgotten = true
            return .working(.lookingAt(member.directory))
        }
    }

    /// The process ends only while another node has what it has.
    private mutating func takeOut(
        _ member: Member, _ leaver: inout Operation.Change.Leaver, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance? {
        if !isEnding(member) {
            if leaver.successor == nil,
                let advance = awaitSettled(member, mayBeReset: true, since: begun, story, topology)
            {
                return advance.mapFailure(OperationFailure.nothingStopped)
            }
            if let advance = handOver(from: member, to: &leaver.successor, topology, story) {
                return advance.mapFailure(OperationFailure.nothingStopped)
            }
            if let step = mastersToCome(member, topology) {
                return story.age(of: step) < Self.agreementLimit
                    ? .working(step) : .failed(.noMaster(ofSlotsOf: member.name))
            }
            // A master that handed over its slots has handed over their keys; what it still has belongs to no slot of its own.
            if !topology.isEmptyMaster(member.id), let report = ownWord(member, since: begun),
                report.replication.role == .master, report.load.holdsData
            {
                return .failed(.stillHolds(member.name, report.load.amount))
            }
        }
        want(.stopped, member)
        return takeDown(member, accepts: true, story, topology)
    }

    /// The node that has the slots of its shard must be there: this one may have to take over from it.
    private func mastersToCome(_ member: Member, _ topology: Topology) -> OperationStep? {
        guard let id = topology.master(of: member.id), id != member.id, let master = find(id: id)
        else { return topology.isEmptyMaster(member.id) ? nil : .awaitingMasterOfShard(member.name) }
        let last = lastHeard(master)
        return last?.replication.role == .master && last?.loading == false ? nil : .awaitingMasterOfShard(member.name)
    }

    /// Its files can be read later; its place is free for another node.
    private mutating func clearFolder(of member: Member, startedAt: WallTime, _ story: Story) -> Advance {
        let end = exited(member.name)?.at ?? seen.began
        guard let survey = seen.survey, survey.askedAt >= end else {
            needSurvey(since: end)
            return .working(.lookingAt(member.directory))
        }
        let folder = "\(stamp(startedAt))-\(member.name)-removed"
        if let facts = survey.directories.first(where: { $0.path == member.directory }) {
            let files = files(of: member, facts)
            if !files.isEmpty {
                if server(in: member.directory, survey) != nil {
                    return .failed(.folderInUse(member.directory, .moved))
                }
                let effect = Effect.quarantine(
                    .init(
                        node: member.name, directory: member.directory, files: files, folder: folder,
                        note: "\(member.name) was removed from the cluster (clusterd remove-node). To read its keys: "
                            + "redis-server --port 7999 --appendonly yes --dir on a copy of the folder"))
                switch ensure(effect) {
                case .failed(let why, _): return .failed(.notMoved(member.directory, why))
                case .done(let at): needSurvey(since: at + .nanoseconds(1))
                case .underWay: break
                }
                return .working(.settingAside(member.directory, quarantine: folder))
            }
        }
        if let index = place(of: member.name) { set(\.hasLeft, true, at: index) }
        return .working(.lookingAt(member.directory))
    }

    private func files(of member: Member, _ facts: DirectoryFacts) -> [String] {
        var files: [String] = []
        if facts.nodesFile != .absent { files.append(facts.nodesFileName ?? member.nodesFileName) }
        if let conf = facts.redisConf { files.append(conf.fileName) }
        return files + facts.content.fileNames.filter { !files.contains($0) }
    }

    private mutating func want(_ wanted: Member.Wanted, _ member: Member) {
        guard let index = place(of: member.name) else { return }
        set(\.wanted, wanted, at: index)
    }
}
