import ClusterModel

/// failover: another node of the shard becomes master. A living master hands over; the guarded promotion of `FailoverPolicy`
/// replaces a dead one. With `force` a master that cannot hand over is ended first: no replica is promoted while the master lives.
extension Turn {
    mutating func failOver(
        _ failover: inout Operation.Failover, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let old = find(failover.master) else {
            return .failed(.unknownNode(failover.master))
        }
        // Between two roles a node's slots briefly have no owner.
        guard let master = topology.master(of: old.id).flatMap({ find(id: $0) }) else {
            let step = OperationStep.awaitingOwner(ofSlotsOf: failover.master)
            if failover.successor == nil, story.age(of: step) >= Self.standing,
                let trouble = slotTrouble(of: old, topology)
            {
                return .failed(.unsettled(trouble))
            }
            return story.age(of: step) < Self.agreementLimit
                ? .working(step) : .failed(.noMaster(ofSlotsOf: failover.master))
        }
        let isReplaced = failover.replica.map { $0 == master.name } ?? (master.name != old.name)
        if isReplaced { return conclude(master, story, topology) }
        if master.name == old.name, masterTerm(of: master, topology).epoch > failover.epoch {
            return .failed(.masterAgain(master.name))
        }
        guard let process = running(master.name) else {
            let step = OperationStep.awaitingFailover(of: master.name)
            return story.age(of: step) < Self.agreementLimit
                ? .working(step) : .failed(.noFailover(of: master.name))
        }
        if failover.successor == nil, !isEnding(master),
            let advance = awaitSettled(master, mayLackSlots: failover.force, since: begun, story, topology)
        {
            return advance
        }
        if failover.force, failover.replaces == process.identity, master.name == failover.master {
            if let advance = endMaster(failover, master, story, topology) { return advance }
        }
        var candidate = failover.replica ?? failover.successor
        let advance = handOver(from: master, to: &candidate, isFixed: failover.replica != nil, topology, story)
        failover.successor = candidate
        return advance ?? .working(.awaitingAgreement)
    }

    /// Another node is master: done once all nodes agree.
    private func conclude(_ master: Member, _ story: Story, _ topology: Topology) -> Advance {
        guard let dispute = openDispute(topology) else {
            return .done(.master(master.name, topology.standings[master.id]?.slots ?? SlotSet()))
        }
        let step = OperationStep.awaitingAgreementOnMaster(master.name)
        return story.age(of: step) < Self.agreementLimit ? .working(step) : .failed(.disagreement(dispute))
    }

    /// The operator gave up this master, and it cannot hand over to any requested replica. nil: it can.
    private mutating func endMaster(
        _ failover: Operation.Failover, _ master: Member, _ story: Story, _ topology: Topology
    ) -> Advance? {
        let step = OperationStep.stopping(master.name)
        let isSilent = lastReport(master) == nil
        if !isEnding(master), story.step != step {
            let candidates = replicas(of: master, topology).filter {
                failover.replica == nil || $0.name == failover.replica
            }
            if !isSilent, able(candidates) != nil || failover.successor != nil { return nil }
            let hope = OperationStep.awaitingSwitchover(from: master.name, to: failover.replica)
            if story.age(of: hope) < spec.supervision.hangTimeout { return .working(hope) }
        }
        let waited = story.age(of: step)
        // A master that answers stops with its keys saved; one that does not answer is killed before it is replaced.
        stop(master, waited: waited, kill: isSilent && waited >= spec.supervision.hangTimeout)
        return waited < spec.supervision.stopTimeout * Self.savingPatience
            ? .working(step) : .failed(.masterDidNotStop(master.name))
    }
}
