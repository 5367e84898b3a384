import ClusterModel

/// What must be corrected about a member before an operation takes it down.
package enum Unsettled: Sendable, Hashable, Codable {
    /// It was reset by hand.
    case reset(NodeName, answersAs: NodeID, isRepaired: Bool)
    case slotsUncovered(SlotSet, shardOf: NodeName, isRepaired: Bool)
    case slotTwoOwners(NodeName, NodeName, SlotSet)

    /// The code of the corresponding finding.
    var code: ReasonCode {
        switch self {
        case .reset: .nodeReset
        case .slotsUncovered: .slotsUncovered
        case .slotTwoOwners: .slotTwoOwners
        }
    }

    /// Whether `fix` repairs it.
    private var isRepaired: Bool {
        switch self {
        case .reset(_, _, let isRepaired), .slotsUncovered(_, _, let isRepaired): isRepaired
        case .slotTwoOwners: false
        }
    }

    var hint: String { isRepaired ? StrayFolders.hint : "clusterd check" }
}

/// Members whose place in the cluster `fix` must correct before an operation takes them down or lets them hand over: a restart would not
/// lead back, and the replica of a master that released its slots would take them while that master follows no node.
extension Turn {
    /// nil: it answers with the node ID of its place, or not at all.
    func resetTrouble(of member: Member, _ topology: Topology) -> Unsettled? {
        guard case .otherID(let id)? = estrangement(of: member) else { return nil }
        return .reset(member.name, answersAs: id, isRepaired: returning(member, topology) != nil)
    }

    /// nil: each slot of its shard has one owner, as far as the nodes say.
    func slotTrouble(of member: Member, _ topology: Topology) -> Unsettled? {
        let missing = SlotSet.all.subtracting(topology.covered)
        let lost = members.filter { $0.shard == member.shard }
            .reduce(SlotSet()) { $0.union($1.lastSlots?.intersection(missing) ?? SlotSet()) }
        if !lost.isEmpty {
            return .slotsUncovered(
                lost, shardOf: member.name, isRepaired: !owners(ofLost: lost, topology).isEmpty)
        }
        guard let owner = topology.master(of: member.id).flatMap({ find(id: $0) }),
            let mine = claim(of: owner)
        else { return nil }
        for other in members where other.id != owner.id {
            guard let both = claim(of: other)?.intersection(mine), !both.isEmpty else { continue }
            return .slotTwoOwners(owner.name, other.name, both)
        }
        return nil
    }

    /// The slots that a master reports as its own.
    func claim(of member: Member) -> SlotSet? {
        guard let myself = lastHeard(member)?.view.myself, myself.flags.contains(.master) else { return nil }
        return myself.slots
    }

    /// For one answer of a node at rest, which is queried once per second.
    private static let answerLimit = Duration.seconds(1)

    /// Before an operation takes this node down, or lets it hand over: nil once an answer from after the command shows no obstacle. Between
    /// two roles a slot briefly has no owner.
    func awaitSettled(
        _ member: Member, mayBeReset: Bool = false, mayLackSlots: Bool = false, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance? {
        if let reply = lastReply(member), case .report = reply.outcome, reply.askedAt < begun,
            now - begun < Self.answerLimit
        {
            return .working(.askingSlots(of: member.name))
        }
        if !mayBeReset, let trouble = resetTrouble(of: member, topology) { return .failed(.unsettled(trouble)) }
        guard !mayLackSlots, let trouble = slotTrouble(of: member, topology) else { return nil }
        let step = OperationStep.awaitingSlotOwners(shardOf: member.name)
        return story.age(of: step) < Self.standing ? .working(step) : .failed(.unsettled(trouble))
    }
}

extension Admission {
    /// Rejects commands that must wait for `fix`.
    /// - Parameters:
    ///   - mayBeReset: whether the command makes sense for a node that was reset by hand.
    ///   - mayLackSlots: whether the operator accepts the consequences of slots without an owner.
    func checkSettled(
        _ node: NodeName, mayBeReset: Bool = false, mayLackSlots: Bool = false
    ) throws(Failure) {
        if record.operations.contains(where: { $0.isOpen && $0.isExclusive }) { return }
        guard let survey = seen.survey, let member = record.member(node) else { return }
        let turn = Turn(spec, record, seeing: seen, at: seen.began)
        let topology = turn.believedTopology(survey)
        let reset = mayBeReset ? nil : turn.resetTrouble(of: member, topology)
        let slots = mayLackSlots ? nil : turn.slotTrouble(of: member, topology)
        guard let trouble = reset ?? slots else { return }
        throw Failure(trouble.code, trouble.words, hint: trouble.hint)
    }
}
