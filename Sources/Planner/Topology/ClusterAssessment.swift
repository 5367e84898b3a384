import ClusterModel

/// Ready means ready: every wanted node runs and is clusterd's own, every slot is served, every node's view of every role agrees, and every
/// replica is in sync. Only answers requested after the last role change count (invariant: ready-is-true).
extension Turn {
    mutating func assess(_ topology: Topology) {
        var result = Assessment()
        result.nodes = members.map { assess($0, topology) }
        let wanted = members.filter { $0.wanted == .running }
        var progress = Assessment.Progress()
        progress.wanted = wanted.count
        progress.started = wanted.count { running($0.name) != nil }
        progress.answering = wanted.count { freshReply(from: $0) != nil }
        let settled = wanted.filter { freshReply(from: $0, since: seen.rolesChanged) != nil }
        let agreeing = agreeing(wanted, topology)
        progress.agreeing = settled.count { agreeing.contains($0.name) }
        let replicas = wanted.filter { !topology.owns($0.id) && !topology.isEmptyMaster($0.id) }
        progress.replicas = replicas.count
        let nodes = result.nodes
        func node(_ name: NodeName) -> Assessment.Node? { place(of: name).map { nodes[$0] } }
        progress.replicasInSync = replicas.count { member in
            guard let node = node(member.name) else { return false }
            return node.linkUp == true && node.health == .ok
        }
        result.progress = progress
        result.slotsCovered = servedSlots(topology).count
        // A master that rejects every write does not serve its slots, although it answers for them.
        let refusing = members.filter { topology.owns($0.id) && freshReply(from: $0)?.refusesWrites == true }
        // Nor does a cluster that is being born: its masters still get orders, and a node is not heard while it carries one out.
        result.serving =
            result.slotsCovered == SlotSet.all.count && refusing.isEmpty && decision.record?.ghosts != true
        result.ready =
            result.serving && progress.agreeing == wanted.count && progress.replicasInSync == progress.replicas
            && !wanted.isEmpty
            // No temporary setting is left in place (invariant: settings-restored).
            && wanted.allSatisfy { member in
                freshReply(from: member).map { strayingSetting(member, $0) == nil } ?? false
            }
        result.shards = shards(topology, result)
        let thin = result.shards.contains { shard in
            shard.replicas.count { node($0)?.linkUp == true } < spec.replicas
        }
        result.state = !result.serving ? .down : thin ? .degraded : .ok
        result.phase = result.ready ? .ready : .starting
        assessment = result
        if !refusing.isEmpty {
            wait(.replicasForWrites(of: refusing.map(\.name)))
        }
        if !result.ready { explain(wanted, agreeing, topology) }
    }

    /// Whose view is right about every member. Views with the same digest are right or wrong together.
    private func agreeing(_ wanted: [Member], _ topology: Topology) -> Set<NodeName> {
        var right = Set<NodesView.Digest>()
        var names = Set<NodeName>()
        for member in wanted {
            guard let report = freshReply(from: member), !report.loading, report.clusterStateOK else { continue }
            guard right.contains(report.view.digest) || disagreement(member, topology) == nil else { continue }
            right.insert(report.view.digest)
            names.insert(member.name)
        }
        return names
    }

    private func assess(_ member: Member, _ topology: Topology) -> Assessment.Node {
        var node = Assessment.Node(name: member.name)
        let standing = topology.standings[member.id]
        node.slots = standing?.slots ?? SlotSet()
        node.configEpoch = standing?.configEpoch ?? 0
        node.role = standing?.role
        if standing?.role == .replica || (standing != nil && node.slots.isEmpty && !topology.isEmptyMaster(member.id)) {
            node.replicaOf = topology.master(of: member.id).flatMap { find(id: $0)?.name }
            if node.replicaOf != nil { node.role = .replica }
        }
        guard let process = running(member.name) else { return node }
        guard let reply = lastReply(member) else {
            node.health = .unreachable
            return node
        }
        switch reply.outcome {
        case .refused, .silent: node.health = healthOfSilent(member)
        case .answered(let text):
            node.health =
                switch EngineErrorReply(text) {
                case .loading: .loading
                case .busy: .busy
                default: .unreachable
                }
        case .report(let report):
            guard report.id == member.id, report.processID == process.identity.pid else {
                node.health = .unreachable
                return node
            }
            node.report = report
            node.role = report.replication.role
            guard report.replication.role == .replica else {
                node.health = report.loading ? .loading : .ok
                return node
            }
            node.linkUp = report.replication.linkUp
            node.health =
                report.loading
                ? .loading : report.replication.linkUp && !report.replication.syncInProgress ? .ok : .syncing
            if let master = report.view.myself?.masterID.flatMap({ find(id: $0) }) {
                if node.health == .ok, mayLackStream(member, master) { node.health = .syncing }
                node.replicaOf = master.name
                if let theirs = freshReply(from: master),
                    theirs.replication.replicationID == report.replication.replicationID
                {
                    node.lagBytes = max(0, theirs.replication.offset - report.replication.offset)
                }
            }
        }
        return node
    }

    /// For a node without an answer: its state.
    private func healthOfSilent(_ member: Member) -> Assessment.Health {
        guard let vitals = vitals(member.name), let since = vitals.silentSince else { return .unreachable }
        switch vitals.doing {
        case .busy where !vitals.isRefusing, .swapping where !vitals.isRefusing: return .busy
        case .busy, .swapping, nil: return .unreachable
        case .blocked where isEnding(member) || isPausedByClients(member): return .busy
        case .stopped, .traced, .blocked, .dying:
            if vitals.isRefusing, vitals.doing == .blocked { return .unreachable }
            return now - since >= spec.supervision.hangTimeout ? .hung : .unreachable
        }
    }

    private func shards(_ topology: Topology, _ result: Assessment) -> [Assessment.Shard] {
        members.filter { topology.owns($0.id) }.map { master in
            let replicas = replicas(of: master, topology).compactMap { place(of: $0.name).map { result.nodes[$0] } }
            let inSync = replicas.filter { $0.linkUp == true && $0.health == .ok }
            return Assessment.Shard(
                master: master.name, replicas: replicas.map(\.name),
                slots: topology.standings[master.id]?.slots ?? SlotSet(), replicasInSync: inSync.map(\.name),
                why: reasonNotToReplace(master, replicas, inSync))
        }
    }

    /// Why no replica would take over if this master died now; nil: one would.
    private func reasonNotToReplace(
        _ master: Member, _ replicas: [Assessment.Node], _ inSync: [Assessment.Node]
    ) -> ShardWeakness? {
        if replicas.isEmpty { return .noReplica }
        if inSync.isEmpty {
            return .noneInSync(
                replicas.map { node in
                    let isStopped = find(node.name)?.wanted == .stopped && node.health == .down
                    return ShardWeakness.OutOfSync(node: node.name, health: isStopped ? nil : node.health)
                })
        }
        let lacks = inSync.map { node -> ShardWeakness.Unable? in
            guard let replica = find(node.name), let report = freshReply(from: replica) else {
                return nil
            }
            return lackNow(replica, report, master).map { ShardWeakness.Unable(node: node.name, obstacle: $0) }
        }
        if !lacks.contains(nil) { return .noneAble(lacks.compactMap { $0 }) }
        if let reason = reasonToKeepRole(of: master) { return .roleKept(reason) }
        guard let limit = spec.supervision.failoverMaxLag, inSync.allSatisfy({ ($0.lagBytes ?? 0) > limit }) else {
            return nil
        }
        return .allFarBehind(limit: limit)
    }

    /// What is wrong in this node's view; nil if it agrees with all others.
    func disagreement(_ member: Member, about present: [Member]? = nil, _ topology: Topology) -> Disagreement? {
        guard let report = freshReply(from: member) else { return .silent(member.name) }
        if report.loading { return .loading(member.name) }
        if !report.clusterStateOK { return .clusterDown(member.name) }
        for other in present ?? members {
            guard let standing = topology.standings[other.id] else { return .unknownToAll(other.name) }
            guard let entry = report.view.entry(other.id) else { return .unknown(other.name, to: member.name) }
            if other.wanted == .stopped { continue }
            if entry.flags.contains(.fail) || entry.flags.contains(.noaddr) || entry.flags.contains(.handshake) {
                return .unreached(other.name, by: member.name)
            }
            let isMaster = entry.flags.contains(.master)
            if isMaster != (standing.role == .master) {
                return .role(isMaster ? .master : .replica, of: other.name, seenBy: member.name)
            }
            if isMaster ? entry.slots != standing.slots : entry.masterID != standing.masterID {
                return isMaster
                    ? .slots(of: other.name, seenBy: member.name) : .master(of: other.name, seenBy: member.name)
            }
            if entry.ports.client != other.ports.client {
                return .port(entry.ports.client, of: other.name, seenBy: member.name, insteadOf: other.ports.client)
            }
        }
        return nil
    }

    private mutating func explain(_ wanted: [Member], _ agreeing: Set<NodeName>, _ topology: Topology) {
        let down = wanted.filter { running($0.name) == nil }.map(\.name)
        if !down.isEmpty { wait(.running(down)) }
        let silent = wanted.filter { running($0.name) != nil && freshReply(from: $0) == nil }
        if !silent.isEmpty { wait(.answers(from: silent.map(\.name))) }
        if down.isEmpty, silent.isEmpty {
            for member in wanted where !agreeing.contains(member.name) {
                guard let dispute = disagreement(member, topology) else { continue }
                wait(.agreement(Shown(dispute)))
                break
            }
            let behind = decision.assessment.nodes.filter {
                $0.role == .replica && ($0.linkUp != true || $0.health != .ok)
            }
            .map(\.name)
            if !behind.isEmpty { wait(.sync(of: behind)) }
        }
    }

    private func list(_ names: [String]) -> String {
        names.count <= 4
            ? names.joined(separator: " ") : names.prefix(3).joined(separator: " ") + " and \(names.count - 3) more"
    }
}
