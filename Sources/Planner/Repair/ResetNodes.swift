import ClusterModel

/// A member that the operator removed from the cluster by hand while its process ran: `CLUSTER RESET`, `redis-cli --cluster del-node`, or
/// by moving all its slots away. Its folder and its process identify it, whatever node ID it answers with and whatever it follows.
extension Turn {
    enum Estrangement: Equatable {
        /// It answers with another node ID: CLUSTER RESET HARD.
        case otherID(NodeID)
        /// It knows no other node: CLUSTER RESET SOFT.
        case alone
        /// A master of a whole cluster that owns no slot.
        case withoutSlots
    }

    /// The last report of this member's own process, under whatever node ID.
    func ownWord(_ member: Member, since moment: Moment? = nil) -> NodeReport? {
        guard let report = lastReport(member), report.processID == running(member.name)?.identity.pid, !report.loading,
            moment.map({ (seen.replies[member.name]?.askedAt ?? seen.began) >= $0 }) ?? true
        else { return nil }
        return report
    }

    /// nil: it is a node of this cluster, or it has not reported.
    func estrangement(of member: Member) -> Estrangement? {
        guard member.wanted == .running, let report = ownWord(member), let myself = report.view.myself else {
            return nil
        }
        if report.id != member.id { return .otherID(report.id) }
        guard myself.flags.contains(.master), myself.slots.isEmpty else { return nil }
        let others = report.view.entries.filter { $0.id != member.id && !$0.flags.contains(.handshake) }
        if others.isEmpty, members.count > 1 { return .alone }
        return member.awaitsSlots == true ? nil : .withoutSlots
    }

    /// The master that an estranged member will follow; nil: none is there.
    func master(forReturnOf member: Member, _ topology: Topology) -> Member? {
        let masters = members.filter { other in
            other.id != member.id && topology.owns(other.id)
                && lastHeard(other)?.view.myself?.slots.isEmpty == false
        }
        if let home = masters.first(where: { $0.shard == member.shard }) { return home }
        // Its shard no longer has slots: it goes to the master with the fewest replicas.
        guard topology.covered == .all else { return nil }
        return masters.min { a, b in
            (replicas(of: a, topology).count, a.name) < (replicas(of: b, topology).count, b.name)
        }
    }

    /// Why a restart of this member with another nodes.conf could lose data; nil: it holds nothing, or copies.
    /// - Parameter kept: whether what it holds is first kept in quarantine.
    private func lossByReturn(
        _ member: Member, _ report: NodeReport, kept: Bool = false, _ topology: Topology
    ) -> LossByReturn? {
        if report.view.myself?.slots.isEmpty != true { return .ownsSlots }
        if report.replication.role != .master {
            guard report.id != member.id else { return .followsMaster }
            // What a replica holds are copies.
            return masterFollowed(report, topology) == nil ? .followsStranger : nil
        }
        if report.load.holdsData, !(kept && goesOn(with: report, of: member, topology)) {
            return .holds(report.load.amount)
        }
        return nil
    }

    private func masterFollowed(_ report: NodeReport, _ topology: Topology) -> Member? {
        guard let master = report.view.myself?.masterID.flatMap({ find(id: $0) }),
            topology.owns(master.id)
        else { return nil }
        return master
    }

    /// Whether the master of its shard has the data of this master without slots: it followed this one, and continues its stream.
    private func goesOn(with report: NodeReport, of member: Member, _ topology: Topology) -> Bool {
        guard let candidate = master(forReturnOf: member, topology), candidate.shard == member.shard else {
            return false
        }
        return candidate.streams?.contains(report.replication.replicationID) == true
    }

    /// What brings an estranged member back; nil: nothing that is known to lose no key.
    func returning(_ member: Member, _ topology: Topology) -> Repair? {
        guard let process = running(member.name), let report = ownWord(member) else { return nil }
        let isKept = estrangement(of: member) == .withoutSlots
        guard lossByReturn(member, report, kept: isKept, topology) == nil else { return nil }
        let isKnown = members.contains { $0.id != member.id && lastHeard($0)?.view.entry(report.id) != nil }
        var rejoin = Repair.Rejoin(member: member.name, master: nil, process: process.identity)
        rejoin.strayID = report.id != member.id && isKnown ? report.id : nil
        rejoin.holds = isKept && report.load.holdsData ? report.load.amount : nil
        if topology.owns(member.id), report.id != member.id { return .rejoin(rejoin) }
        guard let master = master(forReturnOf: member, topology) else { return nil }
        rejoin.master = master.name
        return .rejoin(rejoin)
    }

    mutating func checkEstranged(_ topology: Topology) {
        for member in members where !isBeingRestarted(member.name) {
            guard let kind = estrangement(of: member), let report = ownWord(member) else { continue }
            // While its slots have no owner, giving them back comes first (`slots-uncovered`).
            if topology.covered != .all, kind != .otherID(report.id) { continue }
            let repair = returning(member, topology)
            let why = repair == nil ? lossByReturn(member, report, topology) : nil
            let loss = why.map { "; \($0.words), so clusterd does not change it" } ?? ""
            let look = loss.isEmpty ? nil : "clusterd call --node \(member.name) CLUSTER NODES"
            let followed = masterFollowed(report, topology).map { ", and it follows \($0.name) under that ID" } ?? ""
            var finding =
                switch kind {
                case .otherID(let id):
                    Finding(
                        .nodeReset, topology.owns(member.id) ? .error : .warning, node: member.name, about: .nodeID(id),
                        "\(member.name) answers with the node ID \(id.short) instead of its own: it was reset by hand "
                            + "(CLUSTER RESET HARD)\(followed)")
                case .alone:
                    Finding(
                        .nodeReset, .warning, node: member.name,
                        "\(member.name) knows no other node: it was reset or removed by hand (CLUSTER RESET, redis-cli "
                            + "--cluster del-node)")
                case .withoutSlots:
                    Finding(
                        .masterWithoutSlots, .warning, node: member.name,
                        "\(member.name) is a master without slots: it was removed by hand, or its slots were moved away; it "
                            + "serves no keys and is not a replica")
                }
            finding.message += loss
            if case .rejoin(let rejoin)? = repair, let holds = rejoin.holds, let candidate = rejoin.master {
                finding.message += "; it holds \(holds) of the writes that \(candidate) has taken over"
            }
            finding.hint = repair == nil ? look : StrayFolders.hint
            finding.repair = repair
            suspect(finding, for: kind == .withoutSlots ? Self.gossip : Self.standing)
        }
    }

    // MARK: execution

    /// Whether `fix` restarts this member in its place: its folder has the nodes.conf of the reset node, and old files of its own.
    func isReturning(_ node: NodeName) -> Bool {
        decision.record?.operations.contains { operation in
            guard operation.state == .running, case .fix(let fix) = operation.kind else { return false }
            return fix.ends(node)
        } ?? false
    }

    /// The process ends, and the next one starts with the nodes.conf that clusterd writes for the place of this member.
    mutating func rejoin(
        _ rejoin: Repair.Rejoin, isLast: Bool, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let member = find(rejoin.member) else {
            return .failed(.unknownNode(rejoin.member))
        }
        guard running(member.name)?.identity == rejoin.process else {
            // The other nodes have it from the time when it was met under that ID.
            let forgetting = rejoin.strayID.map { forget(.init($0), since: begun, story) }
            if let advance = comeBack(member, after: rejoin.process, agreeing: isLast, story, topology) {
                return advance
            }
            if case .working(let step)? = forgetting { return .working(step) }
            return .done(.rejoined(member.name, role(of: member, topology)))
        }
        if !isEnding(member) {
            guard let report = ownWord(member, since: begun) else {
                return within(.askingData(of: member.name), story, else: .noAnswer)
            }
            if let why = lossByReturn(member, report, kept: rejoin.holds != nil, topology) {
                return .failed(.wouldLoseData(member.name, why))
            }
            if let name = rejoin.master {
                // The master of its own shard may be back by now, because of the previous step.
                let home = members.first {
                    $0.id != member.id && $0.shard == member.shard && topology.owns($0.id)
                }
                guard let master = home ?? find(name), topology.owns(master.id) else {
                    return .failed(.ownsNoSlots(name))
                }
                if let index = place(of: member.name), master.shard != member.shard {
                    set(\.shard, master.shard, at: index)
                    set(\.shardID, master.shardID, at: index)
                }
            }
        }
        return takeDown(member, accepts: true, story, topology) ?? .working(.stopping(member.name))
    }
}
