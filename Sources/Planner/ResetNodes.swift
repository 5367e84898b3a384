import ClusterModel

/// A member that somebody took out of the cluster by hand while its process ran: `CLUSTER RESET`, `redis-cli --cluster del-node`,
/// or all its slots moved away. It is known by its folder and its process, whatever node ID it answers with.
extension Turn {
    enum Estrangement: Equatable {
        /// It answers with another node ID: CLUSTER RESET HARD.
        case otherID(NodeID)
        /// It knows no other node: CLUSTER RESET SOFT.
        case alone
        /// A master of a whole cluster that owns no slot.
        case withoutSlots
    }

    /// The last word of this member's own process, under whatever node ID.
    func ownWord(_ member: Member, since moment: Moment? = nil) -> NodeReport? {
        guard let report = lastReport(member), report.processID == running(member.name)?.identity.pid, !report.loading,
            moment.map({ (seen.replies[member.name]?.askedAt ?? seen.began) >= $0 }) ?? true
        else { return nil }
        return report
    }

    /// nil: it is a node of this cluster, or it does not say.
    func estrangement(of member: Member) -> Estrangement? {
        guard member.wanted == .running, let report = ownWord(member), let myself = report.view.myself,
            myself.flags.contains(.master)
        else { return nil }
        if report.id != member.id { return .otherID(report.id) }
        guard myself.slots.isEmpty else { return nil }
        let others = report.view.entries.filter { $0.id != member.id && !$0.flags.contains(.handshake) }
        return others.isEmpty && members.count > 1 ? .alone : .withoutSlots
    }

    /// The master that an estranged member is to follow; nil: none is there.
    func master(forReturnOf member: Member, _ topology: Topology) -> Member? {
        let masters = members.filter { other in
            other.id != member.id && topology.owns(other.id)
                && lastHeard(other)?.view.myself?.slots.isEmpty == false
        }
        if let home = masters.first(where: { $0.shard == member.shard }) { return home }
        // Its shard has no slots any more: it goes where there are fewest replicas.
        guard topology.covered == .all else { return nil }
        return masters.min { a, b in
            (replicas(of: a, topology).count, a.name) < (replicas(of: b, topology).count, b.name)
        }
    }

    /// Why a restart of this member with another nodes.conf could lose something; nil: it holds nothing.
    private func lossByReturn(_ report: NodeReport) -> String? {
        if report.load.holdsData { return "it holds \(report.load.amount)" }
        if report.replication.role != .master { return "it follows a master" }
        if report.view.myself?.slots.isEmpty != true { return "it owns slots" }
        return nil
    }

    /// What brings an estranged member back; nil: nothing that is known to lose no key.
    private func returning(_ member: Member, _ topology: Topology) -> Mend? {
        guard let process = running(member.name), let report = ownWord(member), lossByReturn(report) == nil else {
            return nil
        }
        if topology.owns(member.id), report.id != member.id {
            return .rejoin(.init(member: member.name, master: nil, process: process.identity))
        }
        guard let master = master(forReturnOf: member, topology) else { return nil }
        return .rejoin(.init(member: member.name, master: master.name, process: process.identity))
    }

    mutating func checkEstranged(_ topology: Topology) {
        for member in members where !isBeingRestarted(member.name) {
            guard let kind = estrangement(of: member), let report = ownWord(member) else { continue }
            // While its slots are nobody's, giving them back comes first (`slots-uncovered`).
            if topology.covered != .all, kind != .otherID(report.id) { continue }
            let mend = returning(member, topology)
            let loss = lossByReturn(report).map { "; \($0), so that clusterd leaves it as it is" } ?? ""
            let look = loss.isEmpty ? nil : "clusterd call --node \(member.name) CLUSTER NODES"
            var finding =
                switch kind {
                case .otherID(let id):
                    Finding(
                        "node-reset", topology.owns(member.id) ? .error : .warning, node: member.name,
                        "\(member.name) answers with the node ID \(id.short) instead of its own: it was reset by hand "
                            + "(CLUSTER RESET HARD)")
                case .alone:
                    Finding(
                        "node-reset", .warning, node: member.name,
                        "\(member.name) knows no other node: it was reset or removed by hand (CLUSTER RESET, redis-cli "
                            + "--cluster del-node)")
                case .withoutSlots:
                    Finding(
                        "master-without-slots", .warning, node: member.name,
                        "\(member.name) is a master without slots: it was removed by hand, or its slots were moved away; it "
                            + "serves no keys and is nobody's replica")
                }
            finding.message += loss
            finding.hint = mend == nil ? look : StrayFolders.hint
            finding.mend = mend
            suspect(finding, for: kind == .withoutSlots ? Self.gossip : Self.standing)
        }
    }

    // MARK: doing it

    /// Whether `fix` restarts this member in its place: its folder has the nodes.conf of the reset node, and old files of its own.
    func isReturning(_ node: NodeName) -> Bool {
        decision.record?.operations.contains { operation in
            guard operation.state == .running, case .fix(let fix) = operation.kind else { return false }
            return fix.ends(node)
        } ?? false
    }

    /// The process ends, and the next one starts with the nodes.conf that clusterd writes for the place of this member.
    mutating func rejoin(
        _ rejoin: Mend.Rejoin, isLast: Bool, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let member = decision.record?.member(rejoin.member) else {
            return .failed("\(rejoin.member) is no node of this cluster any more")
        }
        guard running(member.name)?.identity == rejoin.process else {
            if let advance = comeBack(member, after: rejoin.process, agreeing: isLast, story, topology) {
                return advance
            }
            let role = topology.owns(member.id) ? "a master" : "a replica"
            return .done("\(member.name) is \(role) of the cluster again, in sync")
        }
        if !isEnding(member) {
            guard let report = ownWord(member, since: begun) else {
                return within("asking \(member.name) what it holds", story, else: "it does not answer")
            }
            if let why = lossByReturn(report) { return .failed("\(member.name) was not restarted: \(why)") }
            if let name = rejoin.master {
                // The master of its own shard may be back by now, by the step before.
                let home = members.first {
                    $0.id != member.id && $0.shard == member.shard && topology.owns($0.id)
                }
                guard let master = home ?? decision.record?.member(name), topology.owns(master.id) else {
                    return .failed("\(name) owns no slots any more; nothing was changed")
                }
                if let index = decision.record?.index(member.name), master.shard != member.shard {
                    decision.record?.members[index].shard = master.shard
                    decision.record?.members[index].shardID = master.shardID
                }
            }
        }
        return takeDown(member, accepts: true, story, topology) ?? .working("stopping \(member.name)")
    }
}
