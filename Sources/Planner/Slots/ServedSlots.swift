import ClusterModel

/// The slots that nodes serve, as far as their answers say: shown, and a condition of readiness. While slots move, the answers of the two
/// masters are of different ages, and an order is in progress at the source nearly all the time.
extension Turn {
    func servedSlots(_ topology: Topology) -> SlotSet {
        let served = SlotSet(
            members.flatMap { member in
                serves(member, topology) ? topology.standings[member.id]?.slots.ranges ?? [] : []
            })
        return served.union(handedOverSlots(topology))
    }

    /// The slots that a source gave to its target, and that the target's older answer does not list.
    func handedOverSlots(_ topology: Topology) -> SlotSet {
        (decision.record?.slotMoves() ?? []).reduce(SlotSet()) { $0.union(handedOver(by: $1, topology)) }
    }

    /// A node that is asked between two orders has no answer that is newer than the last one. Moving slots stops no master from serving
    /// those that stay, so its last answer counts, until one fails to arrive.
    private func serves(_ member: Member, _ topology: Topology) -> Bool {
        guard !topology.unborn.contains(member.id),
            let report = freshReply(from: member) ?? (slotsMove(inShardOf: member) ? lastHeard(member) : nil)
        else { return false }
        return report.clusterStateOK && !report.loading
    }

    /// What the source attributes to the target, if the target was not asked later: it became the owner first (invariant: no-early-owner).
    private func handedOver(by move: SlotMove, _ topology: Topology) -> SlotSet {
        guard let source = shardMaster(of: move.from, besides: move.to, topology),
            let target = shardMaster(of: move.to, besides: move.from, topology), source.id != target.id,
            serves(source, topology), serves(target, topology),
            let told = lastReply(source), let older = lastReply(target), older.askedAt <= told.answeredAt,
            case .report(let report) = told.outcome
        else { return SlotSet() }
        let given = report.view.entry(target.id)?.slots ?? SlotSet()
        return move.slots.intersection(given).subtracting(topology.covered)
    }
}
