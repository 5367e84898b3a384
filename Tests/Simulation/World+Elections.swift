import ClusterModel
import Planner

/// Elections (`clusterHandleSlaveFailover` and `clusterSendFailoverAuthIfNeeded`, src/cluster.c): by the engine itself
/// after the failure of a master, or for a hand-over of a running one.
extension World {
    /// Its master has failed, and it followed it until recently: it stands for election, after a delay that is longer
    /// for replicas with less data.
    func stand(_ pid: Int32) {
        guard var engine = host.engines[pid], engine.settings.electsItself, !engine.isMaster, engine.link == .down,
            let master = engine.masterID.flatMap({ engine.entries[$0] }), master.flags.contains(.fail),
            !master.slots.isEmpty, let lost = engine.linkLostAt,
            now - lost < engine.settings.nodeTimeout * 10 + .seconds(10)
        else {
            host.engines[pid]?.bus.standsAt = nil
            return
        }
        let limit = max(engine.settings.nodeTimeout * 2, .seconds(2))
        guard let at = engine.bus.standsAt, now - at < limit * 2 else {
            let offset = engine.copy.map(writes.offset) ?? 0
            let rank = host.engines.values.count {
                $0.masterID == master.id && $0.id != engine.id && ($0.copy.map(writes.offset) ?? 0) > offset
            }
            engine.bus.standsAt = now + .milliseconds(500) + milliseconds(0...500) + .seconds(1) * rank
            engine.bus.hasStood = false
            host.engines[pid] = engine
            return
        }
        guard now >= at, !engine.bus.hasStood else { return }
        engine.bus.hasStood = true
        host.engines[pid] = engine
        guard let epoch = elect(pid, isForced: false) else { return }
        elections[epoch] = now
        tell("\(engine.ports.client) is elected in epoch \(epoch), by the nodes themselves")
        takeOver(pid, epoch: epoch)
    }

    /// The epoch in which it was elected; nil if it was not.
    func elect(_ pid: Int32, isForced: Bool) -> UInt64? {
        guard mayLearn(pid), var engine = host.engines[pid], let masterID = engine.masterID else { return nil }
        engine.currentEpoch += 1
        engine.bus.stoodAt = now
        host.engines[pid] = engine
        let voters = engine.entries.list.filter { $0.flags.contains(.master) && !$0.slots.isEmpty }
        let votes = voters.count { voter in
            guard voter.linkConnected, let process = host.engine(voter.id), process.isAwake(now) else { return false }
            return vote(process.identity.pid, for: engine, masterID, isForced: isForced)
        }
        return votes * 2 > voters.count ? engine.currentEpoch : nil
    }

    /// Also false for a vote that was given but could not be sent.
    private func vote(_ pid: Int32, for candidate: SimulatedEngine, _ masterID: NodeID, isForced: Bool) -> Bool {
        guard var voter = host.engines[pid], voter.isMaster, !voter.slots.isEmpty,
            candidate.currentEpoch >= voter.currentEpoch, let known = voter.entries[candidate.id],
            known.masterID == masterID, let master = voter.entries[masterID],
            isForced || master.flags.contains(.fail), mayLearn(pid)
        else { return false }
        voter.currentEpoch = max(voter.currentEpoch, candidate.currentEpoch)
        defer { host.engines[pid] = voter }
        let claimed = candidate.entries[masterID]
        let isStale = voter.entries.list.contains { entry in
            entry.configEpoch > claimed?.configEpoch ?? 0
                && !entry.slots.intersection(claimed?.slots ?? SlotSet()).isEmpty
        }
        guard voter.lastVoteEpoch < candidate.currentEpoch, !isStale,
            voter.bus.votedAt[masterID].map({ now - $0 >= voter.settings.nodeTimeout * 2 }) ?? true
        else { return false }
        voter.lastVoteEpoch = candidate.currentEpoch
        voter.bus.votedAt[masterID] = now
        return known.linkConnected && voter.bus.linkedTo[candidate.id] == candidate.identity
    }

    /// CLUSTER FAILOVER: the master accepts no writes until the replica has all of them, and the replica stands for
    /// election. If it is not elected, writes resume after 5 s (`CLUSTER_MF_TIMEOUT`, src/cluster.h).
    func beginHandOver(_ candidate: SimulatedEngine, from master: SimulatedEngine) {
        host.engines[master.identity.pid]?.pausedUntil = now + .seconds(5)
        after(3...60, .handOver(candidate: candidate.identity.pid))
    }

    /// Invariant: lossless-switchover. The end of it: the replica has all writes, and stands for election.
    func handOver(_ pid: Int32) {
        guard let engine = host.engines[pid], let masterID = engine.masterID, let master = host.engine(masterID),
            engine.link == .up, master.isMaster, engine.serves(now)
        else { return }
        guard now < master.pausedUntil else { return }
        host.engines[pid]?.copy = master.copy
        host.engines[pid]?.received = master.copy
        let isTooSoon = refusesElection(of: engine, after: masterID)
        guard let epoch = elect(pid, isForced: true) else {
            if isTooSoon, handOvers[masterID] != nil {
                breaks(
                    "\(engine.ports.client) is to take over while the engine refuses to elect it: writes wait for nothing"
                )
            }
            return tell("\(engine.ports.client) is not elected")
        }
        handOvers[masterID] = now
        takeOver(pid, epoch: epoch)
        exchange(pid, master.identity.pid)
    }

    /// The engine holds no second election within these times after an ordered one.
    private func refusesElection(of engine: SimulatedEngine, after master: NodeID) -> Bool {
        handOvers[master].map { now - $0 < engine.settings.nodeTimeout * 2 } ?? false
    }

    func takeOver(_ pid: Int32, epoch: UInt64?) {
        guard mayLearn(pid), var engine = host.engines[pid], let masterID = engine.masterID else { return }
        let isOrdered = epoch == nil
        engine.takeOver(epoch: epoch)
        beginStream(&engine)
        engine.writableAt = min(engine.writableAt, now)
        host.engines[pid] = engine
        if isOrdered {
            for sibling in host.pids where sibling != pid {
                guard let other = host.engines[sibling], other.masterID == masterID, !other.serves(now) else {
                    continue
                }
                host.engines[sibling]?.wasAsleepAtPromotion = true
            }
        }
        checkWriters()
    }
}
