import ClusterModel

/// clusterd writes a new cluster instead of negotiating it: it reserves ports, assigns and records ids, writes every nodes.conf, and only
/// then, once the record says `formed`, starts the first process. If it is interrupted before that, it repeats all of it; if it is
/// interrupted after that, the cluster is a formed cluster like any other, but for the ghosts from which its masters take their slots
/// (`Birth.swift`).
extension Turn {
    /// There is no record, or only a plan of which nothing was started.
    mutating func form(over folders: [DirectoryFacts]) {
        let candidates = PortCandidates(spec, engine: seen.engine, folders: folders).pairs
        let wanted = Set(candidates.prefix(spec.nodeCount).map { NodeName(String($0.client)) })
        if let refusal = NodeOverrides.refusal(spec, nodes: wanted) { return refuse(refusal) }
        switch choosePorts(candidates, count: spec.nodeCount) {
        case .refused(let refusal): refuse(refusal)
        case .waiting: break
        case .chosen(let pairs):
            var record = plan(pairs.sorted(), folders, wanted)
            notePassedOver(candidates, &record)
            setRecord(record)
            wake(at: now)
        }
    }

    /// Which node got its port because another one was taken: reported once, and remembered.
    private func notePassedOver(_ candidates: [PortPair], _ record: inout Record) {
        var passed: [String] = []
        for pair in candidates.prefix(while: { seen.ports[$0] != nil }) {
            if case .busy(let busy) = seen.ports[pair] {
                passed.append(busy.sentence)
            } else if !passed.isEmpty, let index = record.members.firstIndex(where: { $0.ports == pair }) {
                record.members[index].portNote = passed.joined(separator: "; ") + "; took \(pair.client)"
                passed = []
            }
        }
    }

    private func isLaidOutByHand(_ folder: DirectoryFacts) -> Bool { folder.isLaidOutByHand(in: spec) }

    /// The first nodes are the masters, the others their replicas in turn, as `redis-cli --cluster create` deals them.
    private mutating func plan(
        _ pairs: [PortPair], _ folders: [DirectoryFacts], _ wanted: Set<NodeName>
    ) -> Record {
        var members: [Member] = []
        let shardIDs = (0..<spec.masters).map { _ in NodeID(using: &random) }
        var standIns = NodeOverrides.standIns(for: wanted, among: pairs.map { NodeName(String($0.client)) })
        for (index, pair) in pairs.enumerated() {
            let name = NodeName(String(pair.client))
            let configuredAs = standIns.removeValue(forKey: name)
            let folder = folders.first { isLaidOutByHand($0) && $0.number == pair.client }
            let shard = index % spec.masters
            var member = Member(
                name: name, id: NodeID(using: &random), ports: pair,
                directory: folder?.path ?? newDirectory(name, settingsName: configuredAs),
                nodesFileName: folder?.nodesFileName ?? "nodes-\(name).conf", shard: shard, shardID: shardIDs[shard])
            member.configuredAs = configuredAs
            member.joining = true
            members.append(member)
        }
        var record = Record(
            cluster: spec.name, stage: .planned, shape: .init(masters: spec.masters, replicas: spec.replicas),
            members: members)
        if mayTakeOverFromGhosts { record.ghosts = true }
        return record
    }

    /// The plan's own topology: the only case in which roles and slots come from clusterd.
    func plannedTopology(_ record: Record) -> Topology {
        var topology = Topology([])
        let slots = SlotSet.evenly(among: record.shape.masters)
        for (index, member) in record.members.enumerated() where index < record.shape.masters {
            topology.add(member.id, replicaOf: nil, slots: slots[index])
            if record.ghosts == true { topology.awaitBirth(of: member.id) }
        }
        for (index, member) in record.members.enumerated() where index >= record.shape.masters {
            topology.add(member.id, replicaOf: record.members[member.shard].id)
        }
        return topology
    }

    /// Executes a plan up to the point where the cluster exists.
    mutating func carryOut(_ record: Record, _ survey: Observation.Survey) {
        assessment.phase = .forming
        assessment.progress.wanted = record.members.count
        let taken = record.members.compactMap { member -> Observation.Busy? in
            guard case .busy(let busy) = seen.ports[member.ports] else { return nil }
            return busy
        }
        if let busy = taken.first {
            // Nothing was started yet: plan again, without the port that was lost.
            if spec.onPortConflict == .fail {
                refuse(Failure(.portTaken, busy.sentence))
            } else {
                form(over: survey.directories)
            }
            return
        }
        let unknown = record.members.map(\.ports).filter { seen.ports[$0] == nil }
        guard unknown.isEmpty else {
            ensure(.reserve(unknown, addresses: spec.bind))
            return wait(.portReservations(unknown.count))
        }
        let topology = plannedTopology(record)
        let written = record.members.filter { prepare($0, topology, survey, incarnation: 0) }
        if written.count == record.members.count {
            // From here on clusterd trusts the files, so it reads them once more as they are now.
            let last = seen.effects.filter { $0.key.kind == .writeFiles }.compactMap(\.value.ended).max()
            if let last, survey.askedAt < last { return needSurvey(since: last) }
            set(\.stage, .formed)
            for index in record.members.indices { set(\.joining, false, at: index) }
            wake(at: now)
        } else {
            wait(.files(ofNodes: record.members.count - written.count))
        }
    }

    /// Invariants: slots-kept, idle-folder. Prepares a stopped node's folder for its next start, one step at a time; true once it is ready.
    mutating func prepare(
        _ member: Member, _ topology: Topology, _ survey: Observation.Survey, incarnation: Int
    ) -> Bool {
        if isBusy(member.name) { return false }
        let facts = survey.directories.first { $0.path == member.directory }
        let planned = nodesFile(for: member, topology)
        // A file written for this start stays: the survey is older.
        let write = Effect.writeFiles(
            .init(
                node: member.name, directory: member.directory, nodesFileName: member.nodesFileName,
                nodesFile: nodesFileToWrite(member, facts, planned), redisConf: redisConf(for: member, facts).bytes,
                incarnation: incarnation, engine: program(for: member).engine))
        if seen.effects[write.key]?.isDone == true { return true }
        guard let facts, facts.exists else {
            let make = Effect.makeDirectory(member.name, path: member.directory)
            switch ensure(make, repeatAfter: .seconds(1)) {
            case .failed(let why, _): fault(member, .directoryUnusable, why)
            case .done: needSurvey(since: seen.effects[make.key]?.ended ?? now)
            case .underWay: break
            }
            return false
        }
        if !isReturning(member.name), let stray = strays(survey)?.inTheWay(of: member, facts) {
            emit(stray)
            wait(.foreignKeys(path: facts.path))
            return false
        }
        if let quarantine = cleaning(member, facts, topology, incarnation) {
            switch ensure(.quarantine(quarantine)) {
            case .failed(let why, _): fault(member, .quarantineFailed, why)
            case .done(let at): needSurvey(since: at)
            case .underWay: break
            }
            return false
        }
        if let original = refused(member, facts, incarnation), !isInQuarantine(member, ensure(.preserve(original))) {
            return false
        }
        if let copies = preservation(member, facts, planned, incarnation), !isInQuarantine(member, keep(copies)) {
            return false
        }
        if case .failed(let why, _) = ensure(write) { fault(member, .filesNotWritten, why) }
        return false
    }

    /// Whether everything that is kept before a start is in quarantine.
    private mutating func isInQuarantine(_ member: Member, _ progress: Progress) -> Bool {
        switch progress {
        case .failed(let why, _):
            fault(member, .quarantineFailed, why)
            return false
        case .underWay: return false
        case .done: return true
        }
    }

    private func nodesFileToWrite(_ member: Member, _ facts: DirectoryFacts?, _ planned: NodesFile) -> NodesFile? {
        guard let file = facts?.parsed, !member.joining, !isRefused(member) else { return planned }
        // Redis 6.2 and 7.0 take the shard ids of later engines for a part of the address.
        let isLater = file.view.entries.contains { $0.auxiliary["shard-id"] != nil }
        if isLater, !program(for: member).engine.knowsShardIDs { return planned }
        // Without room for another file, one that is right about the node itself is sufficient: it learns about the others by gossip.
        return agrees(file, with: planned) || (!canSave(member) && agreesOnItself(file, with: planned)) ? nil : planned
    }

    /// What must be moved before this node's own files are written; nil: nothing.
    private func cleaning(
        _ member: Member, _ facts: DirectoryFacts, _ topology: Topology, _ incarnation: Int
    ) -> Effect.Quarantine? {
        var files: [String] = []
        var why = ""
        let name = facts.nodesFileName ?? member.nodesFileName
        switch facts.nodesFile {
        case .absent: break
        case .empty: (files, why) = ([name], "\(name) was empty")
        case .torn: (files, why) = ([name], "\(name) was cut short")
        case .corrupt(let what): (files, why) = ([name], "\(name) was corrupt: \(what)")
        case .parsed(let file):
            let isOurs = file.view.myself?.id == member.id
            if !isOurs || (member.joining && !isPlanned(file)) {
                files = [name]
                why = origin(of: file, name, isOurs: isOurs)
            }
        }
        if let conf = facts.redisConf, !conf.isGenerated {
            files.append(conf.fileName)
            if why.isEmpty { why = "\(conf.fileName) was written by hand; clusterd writes its own" }
        }
        if !files.isEmpty, facts.nodesFile != .absent, !facts.content.holdsKeys, member.joining {
            files += facts.content.fileNames
        }
        if let master = takesDataFrom(member, topology), !facts.content.isEmpty {
            files += facts.content.fileNames
            why = "its data could not be loaded; it gets all of it from \(master.name)"
        }
        guard !files.isEmpty else { return nil }
        return Effect.Quarantine(
            node: member.name, directory: facts.path, files: files,
            folder: "\(stamp(seen.beganWall))-\(member.name)" + (incarnation > 0 ? "-\(incarnation)" : ""), note: why)
    }

    /// The nodes.conf that the engine rejected although it can be read here. It stays in place until the new one replaces it: after a
    /// change of engine every node's file is rejected at once, and they may be the only ones that say which node owns which slots.
    private func refused(_ member: Member, _ facts: DirectoryFacts, _ incarnation: Int) -> Effect.Quarantine? {
        guard let name = facts.nodesFileName, facts.parsed != nil, isRefused(member) else { return nil }
        return Effect.Quarantine(
            node: member.name, directory: facts.path, files: [name],
            folder: "\(stamp(seen.beganWall))-\(member.name)-\(incarnation)",
            note: "\(seen.engine.program) refused \(name) as corrupt")
    }

    /// The engine ended because of the nodes.conf in the folder, whatever the file looks like from here.
    private func isRefused(_ member: Member) -> Bool { exited(member.name)?.reason.kind == .badNodesFile }

    /// Where an unsuitable nodes.conf came from, as far as the file itself tells.
    private func origin(of file: NodesFile, _ name: String, isOurs: Bool) -> String {
        if decision.record?.stage == .planned { return "\(name) was left by an unfinished create" }
        let ids = Set(members.map(\.id))
        if isOurs || file.view.entries.count <= 1 { return "\(name) was left by an earlier try" }
        if let id = file.view.myself?.id, let other = find(id: id) {
            return "\(name) is a copy of \(other.name)'s"
        }
        return file.view.entries.contains { ids.contains($0.id) }
            ? "\(name) is of a node that this cluster does not know" : "\(name) is another cluster's"
    }

    /// Whether this plan itself has written a file.
    private func isPlanned(_ file: NodesFile) -> Bool {
        let ids = Set(members.map(\.id))
        let ghosts = Set(members.map(\.id.ghost))
        let nodes = file.view.entries.filter { !ghosts.contains($0.id) }
        return nodes.allSatisfy { ids.contains($0.id) } && nodes.count == members.count
    }

    mutating func needSurvey(since moment: Moment) {
        guard let survey = seen.survey, survey.askedAt < moment else { return }
        ensure(.survey(after: moment))
    }

    private mutating func fault(_ member: Member, _ code: ReasonCode, _ why: String) {
        emit(Finding(code, .error, node: member.name, "\(member.name): \(why)"))
        wait(.usableFolder(of: member.name, Shown(why)))
    }
}

/// `20260101T000000Z`, so that folders sort by time.
package func stamp(_ time: WallTime) -> String {
    let civil = CivilTime(time)
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return
        "\(civil.year)\(two(civil.month))\(two(civil.day))T\(two(civil.hour))\(two(civil.minute))\(two(civil.second))Z"
}
