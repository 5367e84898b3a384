import ClusterModel

/// Processes, views and replicas.
extension Turn {
    mutating func checkProcesses() {
        for member in members where member.wanted == .running && !isBeingRestarted(member.name) {
            let isExplained = decision.findings.contains {
                $0.node == member.name && ($0.severity == .error || [.nodeHung, .nodeBusy].contains($0.code))
            }
            if running(member.name) == nil {
                // It has not been started yet, and what it waits for is shown.
                let isToCome = seen.processes[member.name] == nil && decision.waits.contains(.birth)
                guard !isExplained, !isToCome else { continue }
                let cause = exited(member.name).map { ": it \(ExitReason.past($0.reason.cause))" } ?? ""
                suspect(
                    Finding(.nodeNotRunning, .warning, node: member.name, "\(member.name) does not run\(cause)"),
                    for: Self.standing)
            } else if lastHeard(member) == nil, !isExplained, estrangement(of: member) == nil {
                suspect(
                    Finding(
                        .nodeUnreachable, .warning, node: member.name,
                        "\(member.name) runs, but does not answer as the expected node"), for: Self.standing * 2
                )
            }
        }
    }

    /// Wrong beliefs: which nodes report something about another node that is not true.
    mutating func checkViews(_ topology: Topology) {
        var sayings: [Misbelief: [String]] = [:]
        let present = members.filter { running($0.name) != nil && estrangement(of: $0) == nil }
        var right = Set<NodesView.Digest>()
        for member in present {
            guard let report = lastHeard(member), !report.loading, !right.contains(report.view.digest) else { continue }
            var isRight = true
            for other in present where other.wanted == .running {
                guard let saying = misbelief(report.view, of: other, topology) else { continue }
                sayings[saying, default: []].append(member.name.text)
                isRight = false
            }
            if isRight { right.insert(report.view.digest) }
        }
        for (saying, names) in sayings.sorted(by: { $0.key < $1.key }).prefix(8) {
            suspect(
                Finding(
                    .viewsDiffer, .warning,
                    "\(Self.list(names)) \(names.count == 1 ? "says" : "say") \(saying.words)"),
                about: .view(saying), for: Self.gossip)
        }
    }

    private func misbelief(_ view: NodesView, of other: Member, _ topology: Topology) -> Misbelief? {
        guard let standing = topology.standings[other.id] else { return nil }
        guard let entry = view.entry(other.id) else { return .unknown(other.name) }
        if entry.flags.contains(.noaddr) { return .noAddress(other.name) }
        if entry.flags.contains(.fail) { return .failed(other.name) }
        let isMaster = entry.flags.contains(.master)
        if isMaster != (standing.role == .master) {
            return .role(other.name, isMaster ? .master : .replica)
        }
        if isMaster, entry.slots != standing.slots {
            let more = entry.slots.subtracting(standing.slots)
            let less = standing.slots.subtracting(entry.slots)
            return more.isEmpty ? .ownsNot(other.name, less) : .owns(other.name, more)
        }
        if !isMaster, entry.masterID != standing.masterID {
            return .follows(other.name, entry.masterID.map(name), insteadOf: standing.masterID.map(name))
        }
        if entry.ports.client != other.ports.client {
            return .port(other.name, entry.ports.client, insteadOf: other.ports.client)
        }
        return nil
    }

    /// Entries of nodes that do not belong to this cluster.
    mutating func checkStrangers() {
        struct Stranger {
            var entry: NodeEntry
            var knownBy: [String]
        }
        // A member that was reset and then met under another ID is reported as `node-reset`.
        let ids = Set(members.map(\.id) + members.compactMap { ownWord($0)?.id })
        var strangers: [NodeID: Stranger] = [:]
        var without = Set<NodesView.Digest>()
        for member in members {
            guard let view = lastHeard(member)?.view, !without.contains(view.digest) else { continue }
            if view.entries.allSatisfy({ ids.contains($0.id) }) { without.insert(view.digest) }
            for entry in view.entries where !ids.contains(entry.id) {
                strangers[entry.id, default: Stranger(entry: entry, knownBy: [])].knownBy.append(member.name.text)
            }
        }
        for (id, stranger) in strangers.sorted(by: { $0.key < $1.key }) {
            let entry = stranger.entry
            let isGone = !entry.flags.intersection([.fail, .noaddr, .handshake]).isEmpty
            let place = entry.ports.client > 0 ? "\(entry.host):\(entry.ports.client)" : "without an address"
            let knowing = "\(Self.list(stranger.knownBy)) \(stranger.knownBy.count == 1 ? "knows" : "know")"
            if isGone {
                suspect(
                    Finding(
                        .ghostNode, .warning,
                        "\(knowing) a node \(id.short) (\(place)), which is gone and does not belong to this cluster",
                        hint: StrayFolders.hint, repair: .forget(.init(id))), about: .nodeID(id), for: Self.load)
            } else {
                suspect(
                    Finding(
                        .foreignNode, .error,
                        "\(knowing) a node \(id.short) (\(place)), which clusterd did not start: it was joined without clusterd to this "
                            + "cluster",
                        hint:
                            "if it is unwanted: clusterd call CLUSTER FORGET \(id), and CLUSTER RESET on that node; or stop it, "
                            + "then: clusterd fix"),
                    about: .nodeID(id), for: Self.standing)
            }
        }
    }

    mutating func checkReplicas(_ topology: Topology) {
        for member in members where member.wanted == .running && !topology.owns(member.id) {
            checkLink(member, topology)
            guard let master = topology.master(of: member.id).flatMap({ find(id: $0) }),
                running(member.name) != nil, master.shard != member.shard
            else { continue }
            // If its shard no longer has slots, the replica is where it should be.
            guard let home = members.first(where: { $0.shard == member.shard && topology.owns($0.id) }) else {
                continue
            }
            let repair =
                lastHeard(home) == nil || lastHeard(member) == nil
                ? nil : Repair.follow(.init(member: member.name, master: home.name))
            suspect(
                Finding(
                    .replicaMisplaced, .warning, node: member.name, shard: home.name,
                    "\(member.name) follows \(master.name), but belongs to the shard of \(home.name)",
                    hint: repair.map { _ in StrayFolders.hint }, repair: repair),
                for: Self.standing)
        }
        guard let wanted = decision.record?.shape.replicas, wanted == spec.replicas else { return }
        for shard in decision.assessment.shards where shard.replicas.count < wanted {
            guard let master = shard.master else { continue }
            suspect(
                Finding(
                    .replicasMissing, .warning, shard: master,
                    "\(master) has \(shard.replicas.count) of \(wanted) \(wanted == 1 ? "replica" : "replicas")"),
                for: Self.standing)
        }
    }

    private mutating func checkLink(_ member: Member, _ topology: Topology) {
        guard let report = lastHeard(member), report.replication.role == .replica, !report.loading,
            !isBeingRestarted(member.name), let masterID = report.view.myself?.masterID,
            let master = find(id: masterID), running(master.name) != nil
        else { return }
        if !report.replication.linkUp {
            guard loginTrouble(of: member) == nil, syncLoopTrouble(of: member, topology) == nil else { return }
            return suspect(
                Finding(
                    .linkDown, .warning, node: member.name, shard: master.name,
                    "\(member.name): the link to its master \(master.name) is down, although \(master.name) runs",
                    hint: "find the reason in \(ShellWord.quoted(member.directory + "/redis.log"))"),
                for: Self.standing * 2)
        }
        guard let lag = place(of: member.name).flatMap({ decision.assessment.nodes[$0].lagBytes }) else { return }
        let backlog = liveSettings(master)?.values["repl-backlog-size"].flatMap { Int64($0) } ?? 1 << 20
        guard lag > backlog / (isSuspected(.replicaLag, member.name) ? 2 : 1) else { return }
        suspect(
            Finding(
                .replicaLag, .warning, node: member.name, shard: master.name,
                "\(member.name): the replication lag behind \(master.name) exceeds the backlog of \(Self.size(backlog)): if the link breaks, "
                    + "\(master.name) starts a full synchronization"), for: Self.load)
    }

    static func size(_ bytes: Int64) -> String {
        switch bytes {
        case (1 << 30)...: "\(bytes >> 30) GB"
        case (1 << 20)...: "\(bytes >> 20) MB"
        default: "\(bytes >> 10) KB"
        }
    }
}
