import ClusterModel
import Planner

/// The cluster bus: links, pings and their contents, and which nodes are marked as failed.
extension World {
    /// serverCron and clusterCron together.
    func tick(_ pid: Int32) {
        guard let engine = host.engines[pid] else { return }
        if engine.isAwake(now) {
            if now >= engine.loadedAt { replicate(pid) }
            connect(pid)
            watch(pid)
            gossip(pid)
            stand(pid)
            persist(pid)
        }
        after(15...50, .tick(pid: pid))
    }

    /// Its own links to the other nodes: lost when a process exits, and made again within some 100 ms.
    private func connect(_ pid: Int32) {
        guard var engine = host.engines[pid] else { return }
        for entry in engine.entries.list where entry.id != engine.id {
            let peer = host.engine(entry.id)
            let isThere = peer.map { $0.listens(now) && $0.ports == entry.ports } ?? false
            // It is another process: the link to the previous one ended with it.
            let isSame = peer?.identity == engine.bus.linkedTo[entry.id]
            if entry.linkConnected, !isThere || !isSame { engine.entries[entry.id]?.linkConnected = false }
            if !entry.linkConnected, isThere, Int.random(in: 0..<4, using: &random) == 0 {
                engine.entries[entry.id]?.linkConnected = true
                engine.bus.linkedTo[entry.id] = peer?.identity
            }
        }
        host.engines[pid] = engine
    }

    private func gossip(_ pid: Int32) {
        guard let mine = host.engines[pid] else { return }
        let others = host.pids.filter { other in
            guard other != pid, let peer = host.engines[other], peer.isAwake(now) else { return false }
            return mine.entries[peer.id].map { $0.linkConnected && $0.ports == peer.ports } ?? false
        }
        guard let peer = others.randomElement(using: &random) else { return }
        exchange(pid, peer)
    }

    /// Ping and pong. An unknown sender gets a reply but is not trusted; its claim against a higher epoch is corrected.
    func exchange(_ a: Int32, _ b: Int32) {
        for (from, to) in [(a, b), (b, a)] {
            guard let sender = host.engines[from], var receiver = host.engines[to] else { continue }
            let wasMaster = receiver.isMaster
            let epochs = receiver.epochs(of: sender.id)
            let had = receiver.slots
            if receiver.hear(sender.myself, epoch: sender.currentEpoch) {
                receiver.bus.heardAt[sender.id] = now
                forgive(&receiver, sender.id)
                for var entry in sender.entries.list where receiver.entries[entry.id] == nil {
                    if let at = receiver.bus.forgottenAt[entry.id], now - at < .seconds(60) { continue }
                    entry.flags.subtract([.myself, .pfail, .fail])
                    entry.linkConnected = false
                    entry.slots = SlotSet()
                    receiver.entries[entry.id] = entry
                    receiver.bus.heardAt[entry.id] = now
                }
                listen(&receiver, to: sender)
            }
            if wasMaster, !receiver.isMaster {
                tell("\(receiver.ports.client) becomes a replica: it has lost its slots")
            }
            if receiver.epochs(of: sender.id) != epochs, !mayLearn(to) { continue }
            host.engines[to] = receiver
            dropKeys(of: had, at: to)
            // UPDATE: the receiver knows a newer owner of the slots that the sender claims.
            let claims = sender.slots
            guard !claims.isEmpty, var corrected = host.engines[from] else { continue }
            let owned = corrected.slots
            for owner in receiver.entries.list
            where owner.id != sender.id && owner.configEpoch > sender.myself.configEpoch
                && !owner.slots.intersection(claims).isEmpty
            {
                var owner = owner
                owner.flags.subtract([.pfail, .fail])
                _ = corrected.hear(owner, epoch: receiver.currentEpoch)
            }
            if corrected.slots == owned || mayLearn(from) {
                host.engines[from] = corrected
                dropKeys(of: owned, at: from)
            }
        }
    }

    /// Marks nodes as possibly failed that it has not heard from for the node timeout.
    private func watch(_ pid: Int32) {
        guard var engine = host.engines[pid] else { return }
        for entry in engine.entries.list where entry.id != engine.id {
            let heard = engine.bus.heardAt[entry.id] ?? engine.listensAt
            guard now - heard > engine.settings.nodeTimeout, !entry.flags.contains(.pfail), !entry.flags.contains(.fail)
            else { continue }
            engine.entries[entry.id]?.flags.insert(.pfail)
        }
        host.engines[pid] = engine
    }

    /// A master's failure reports; once most masters report a node, all nodes are told that it failed.
    private func listen(_ engine: inout SimulatedEngine, to sender: SimulatedEngine) {
        let isVoter = sender.isMaster && !sender.slots.isEmpty
        for entry in sender.entries.list where entry.id != engine.id {
            let isFailed = entry.flags.contains(.pfail) || entry.flags.contains(.fail)
            if isVoter { engine.bus.reports[entry.id, default: [:]][sender.id] = isFailed ? now : nil }
            if entry.flags.contains(.fail), engine.entries[entry.id]?.flags.contains(.pfail) == true {
                fail(&engine, entry.id)
            }
        }
        let voters = engine.entries.list.count { $0.flags.contains(.master) && !$0.slots.isEmpty }
        for entry in engine.entries.list where entry.flags.contains(.pfail) {
            let says = (engine.bus.reports[entry.id] ?? [:]).values
                .count { now - $0 < engine.settings.nodeTimeout * 2 }
            let mine = engine.isMaster && !engine.slots.isEmpty ? 1 : 0
            if (says + mine) * 2 > voters { fail(&engine, entry.id) }
        }
    }

    private func fail(_ engine: inout SimulatedEngine, _ id: NodeID) {
        engine.entries[id]?.flags.remove(.pfail)
        engine.entries[id]?.flags.insert(.fail)
        engine.bus.failedAt[id] = now
        tell("\(engine.ports.client) holds \(id.short) for failed")
    }

    /// A node that responds again is alive; a failed master with slots is trusted again after twice the node timeout,
    /// if no node has taken over (`clearNodeFailureIfNeeded`, src/cluster.c).
    private func forgive(_ engine: inout SimulatedEngine, _ id: NodeID) {
        guard let entry = engine.entries[id] else { return }
        engine.entries[id]?.flags.remove(.pfail)
        guard entry.flags.contains(.fail) else { return }
        let isBare = entry.flags.contains(.replica) || entry.slots.isEmpty
        let age = engine.bus.failedAt[id].map { now - $0 } ?? .seconds(3600)
        if isBare || age > engine.settings.nodeTimeout * 2 { engine.entries[id]?.flags.remove(.fail) }
    }
}
