import ClusterModel

/// Builds a record where there is none: either it adopts the cluster on disk as it is, or it plans a new one.
extension Turn {
    mutating func establish(_ survey: Observation.Survey) {
        let inUse = folderUsers(survey).foldersInUse
        // A plan of which nothing was started is not a cluster: its folders hold at most the files that were being written.
        let classification = FolderClassification(survey.directories, inUse: inUse)
        for finding in classification.findings { emit(finding) }
        reportLostRecord()
        switch classification.verdict {
        case .refused(var refusal):
            refusal.hint = refusal.hint?.replacing(
                "clusterd fix", with: "clusterd fix --dir \(ShellWord.quoted(spec.dataDirectory))")
            refuse(refusal)
        case .cluster(let members, let standalone):
            let record = rebuiltRecord(members, standalone)
            if let refusal = NodeOverrides.refusal(spec, nodes: NodeOverrides.names(record)) {
                return refuse(refusal)
            }
            setRecord(record)
            wake(at: now)
        case .new(let folders): form(over: folders)
        }
    }

    /// The record of a cluster that was found: ids, ports and folders as its files say.
    private mutating func rebuiltRecord(_ folders: [DirectoryFacts], _ standalone: [DirectoryFacts]) -> Record {
        let files = folders.compactMap(\.parsed)
        var topology = Topology(files.map { .init(view: $0.view, currentEpoch: $0.currentEpoch, live: false) })
        let ids = Set(files.compactMap(\.view.myself?.id))
        // A new cluster that was interrupted before its masters had all taken their slots.
        let hasGhosts = files.contains { $0.view.entries.contains { ids.contains($0.id.ghost) } }
        if hasGhosts { for id in ids { topology.replaceGhost(of: id, isForming: true) } }
        var found = FoundNodes(folders, candidates: PortCandidates(spec, engine: seen.engine).pairs)
        var members = found.nodes.map { member($0.entry, $0.folder, name: $0.name, ports: $0.ports) }
        // Members whose folder or nodes.conf was lost: the others still know their id and port.
        for entry in FolderClassification.lost(in: folders) {
            let folder = folders.first { $0.parsed == nil && $0.number == entry.ports.client }
            guard let place = found.place(lost: entry, in: folder) else { continue }
            var lost = member(entry, folder, name: place.name, ports: place.ports)
            lost.joining = folder.map { !$0.content.holdsKeys } ?? true
            members.append(lost)
        }
        members.sort { $0.name < $1.name }
        let masters = members.filter { topology.owns($0.id) }
        for index in members.indices {
            // What another node's file says about a node may be older than what the node's own file says.
            let own = folders.first { $0.path == members[index].directory }?.parsed?.view.myself?.masterID
            let master = topology.master(of: members[index].id) ?? own.flatMap(topology.master)
            members[index].shard = masters.firstIndex { $0.id == master } ?? 0
        }
        let missing = max(0, spec.nodeCount - members.count)
        for standalone in standalone.prefix(missing) { take(in: standalone, &members, topology) }
        for standalone in standalone.dropFirst(missing) {
            emit(
                Finding(
                    .nodeStandalone, .info, node: standalone.number.map { NodeName(String($0)) },
                    about: .path(standalone.path),
                    "\(standalone.path) belongs to no cluster and is not needed: the cluster has \(members.count) nodes"
                ))
        }
        // One shard id per shard: the master's, if the engine has assigned one.
        for index in members.indices {
            let shard = members[index].shard
            let master = masters.indices.contains(shard) ? masters[shard] : members[index]
            members[index].shardID = members.first { $0.id == master.id }?.shardID ?? master.shardID
        }
        let count = members.count { topology.owns($0.id) || fillsHole($0, topology) }
        var record = Record(
            cluster: spec.name, stage: .formed,
            shape: .init(masters: max(1, count), replicas: max(0, members.count / max(1, count) - 1)), members: members)
        if hasGhosts {
            record.ghosts = true
            // Files of which some name ghosts, and others do not yet: all masters take their slots from ghosts then, or none.
            record.ghostEpoch = files.flatMap(\.view.entries).filter { ids.contains($0.id.ghost) }.map(\.configEpoch)
                .max()
        }
        return record
    }

    private mutating func member(
        _ entry: NodeEntry, _ folder: DirectoryFacts?, name: NodeName, ports: PortPair
    ) -> Member {
        var member = Member(
            name: name, id: entry.id, ports: ports, directory: folder?.path ?? newDirectory(name),
            nodesFileName: folder?.nodesFileName ?? "nodes-\(name).conf", shard: 0,
            shardID: entry.shardID ?? NodeID(using: &random))
        member.fileNames = folder?.dataNames.lines ?? []
        member.appendOnly = folder?.redisConf?.appendOnly
        return member
    }

    /// Adds a standalone node without keys: as master of slots that no other node has, if it owned those, otherwise as a replica of the
    /// master with the fewest replicas.
    private mutating func take(in standalone: DirectoryFacts, _ members: inout [Member], _ topology: Topology) {
        guard let number = standalone.number, !members.contains(where: { $0.name.text == String(number) }) else {
            return
        }
        let masters = members.filter { topology.owns($0.id) }
        let file = standalone.parsed?.view.myself
        var member = Member(
            name: NodeName(String(number)), id: file?.id ?? NodeID(using: &random), ports: PortPair(client: number),
            directory: standalone.path, nodesFileName: standalone.nodesFileName ?? "nodes-\(number).conf", shard: 0,
            shardID: NodeID(using: &random))
        member.fileNames = standalone.dataNames.lines
        if let slots = file?.slots, !slots.isEmpty, slots.intersection(topology.covered).isEmpty {
            member.shard = (members.map(\.shard).max() ?? -1) + 1
        } else {
            member.joining = true
            let sizes = masters.indices.map { shard in members.count { $0.shard == shard } }
            member.shard = sizes.indices.min { (sizes[$0], $0) < (sizes[$1], $1) } ?? 0
        }
        members.append(member)
        members.sort { $0.name < $1.name }
    }

    private func fillsHole(_ member: Member, _ topology: Topology) -> Bool {
        !member.joining && topology.standings[member.id] == nil
    }

    func newDirectory(_ name: NodeName, settingsName: NodeName? = nil) -> String {
        if let own = spec.overrides[settingsName ?? name]?.dataDirectory { return own }
        return spec.dataDirectory + "/nodes/" + name.text
    }
}
