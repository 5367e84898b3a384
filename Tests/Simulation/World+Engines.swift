import ClusterModel
import Planner

/// How the engines live: boot, gossip, replication, failover. Delays after REDIS.md.
extension World {
    func boot(_ directory: String) -> SimulatedEngine? {
        guard let folder = host.directories[directory] else { return nil }
        let conf = RedisConfFile(folder.redisConf)
        guard let port = conf.value("port").flatMap({ Int($0) }), let name = conf.value("cluster-config-file") else {
            return nil
        }
        let bus = conf.value("cluster-port").flatMap { Int($0) } ?? port + 10000
        guard let file = folder.nodesFile, folder.nodesFileName == name, let myself = file.view.myself else {
            breaks("an engine starts in \(directory) without the nodes.conf that it is told to read")
            return nil
        }
        if host.user(of: directory) != nil { breaks("two processes in \(directory)") }
        let identity = host.nextIdentity(now)
        let isMaster = myself.flags.contains(.master)
        var engine = SimulatedEngine(
            identity: identity, directory: directory, nodesFileName: name, id: myself.id,
            ports: PortPair(client: port, bus: bus), entries: Roster(file.view.entries),
            currentEpoch: file.currentEpoch,
            lastVoteEpoch: file.lastVoteEpoch, bornAt: now, listensAt: now + milliseconds(5...40),
            writableAt: now + (isMaster ? .seconds(2) : .milliseconds(20)), data: folder.data, history: folder.history)
        if engine.history.isEmpty || isMaster { engine.history = String(random.next(), radix: 16) }
        engine.entries[engine.id]?.ports = engine.ports
        engine.appendOnly = conf.value("appendonly") == "yes"
        host.engines[identity.pid] = engine
        if host.foreignPorts.contains(port) || host.foreignPorts.contains(bus) {
            queue.add(.exit(pid: identity.pid, code: 1, signal: nil), at: now + milliseconds(2...10))
        } else {
            queue.add(.tick(pid: identity.pid), at: engine.listensAt)
        }
        return engine
    }

    /// serverCron and clusterCron together: replication, and a ping to one other node.
    func tick(_ pid: Int32) {
        guard host.engines[pid] != nil else { return }
        replicate(pid)
        gossip(pid)
        after(15...50, .tick(pid: pid))
    }

    private func replicate(_ pid: Int32) {
        guard var engine = host.engines[pid], !engine.isMaster, var masterID = engine.masterID else { return }
        // A chain of replicas is undone (`clusterUpdateSlotsConfigWith` and clusterCron, src/cluster.c).
        if let grandmaster = engine.entries[masterID]?.masterID, grandmaster != engine.id {
            engine.follow(grandmaster)
            masterID = grandmaster
        }
        let master = host.engine(masterID).flatMap { master in
            master.listens(now) && engine.entries[masterID]?.ports == master.ports && master.isMaster ? master : nil
        }
        if let master {
            switch engine.link {
            case .down: engine.link = .syncing(until: now + milliseconds(5...80))
            case .syncing(let until) where now >= until:
                engine.link = .up
                engine.data = master.data
                engine.history = master.history
            case .syncing: break
            case .up: engine.data = max(engine.data, master.data)
            }
        } else {
            engine.link = .down
        }
        host.engines[pid] = engine
    }

    private func gossip(_ pid: Int32) {
        guard let mine = host.engines[pid], mine.listens(now) else { return }
        let others = host.engines.values.filter { other in
            other.identity.pid != pid && other.listens(now) && mine.entries[other.id]?.ports == other.ports
        }.sorted { $0.identity.pid < $1.identity.pid }
        guard let peer = others.randomElement(using: &random) else { return }
        exchange(pid, peer.identity.pid)
    }

    /// Ping and pong. Who is not known is answered and not believed; what it claims against a higher epoch is corrected.
    private func exchange(_ a: Int32, _ b: Int32) {
        for (from, to) in [(a, b), (b, a)] {
            guard let sender = host.engines[from], var receiver = host.engines[to] else { continue }
            let known = receiver.hear(sender.myself, epoch: sender.currentEpoch)
            if known {
                for var entry in sender.entries.list where receiver.entries[entry.id] == nil {
                    entry.flags.remove(.myself)
                    entry.slots = SlotSet()
                    receiver.entries[entry.id] = entry
                }
            }
            host.engines[to] = receiver
            // UPDATE: the receiver knows a newer owner of what the sender claims.
            let claims = sender.slots
            guard !claims.isEmpty, var corrected = host.engines[from] else { continue }
            for owner in receiver.entries.list
            where owner.id != sender.id && owner.configEpoch > sender.myself.configEpoch
                && !owner.slots.intersection(claims).isEmpty
            {
                _ = corrected.hear(owner, epoch: receiver.currentEpoch)
            }
            host.engines[from] = corrected
        }
    }

    /// The end of a manual failover: the replica has everything, and takes over.
    func handOver(_ heir: Int32) {
        guard var engine = host.engines[heir], let masterID = engine.masterID, let master = host.engine(masterID),
            engine.link == .up, master.isMaster
        else {
            for pid in host.engines.keys { host.engines[pid]?.isPaused = false }
            return
        }
        engine.data = master.data
        let former = master.identity.pid
        engine.takeOver(history: String(random.next(), radix: 16))
        engine.writableAt = now
        engine.stoodAt = now
        host.votedAt[masterID] = now
        host.engines[heir] = engine
        exchange(heir, former)
        checkWriters()
    }

    /// One client that writes to every shard in turn.
    func write() {
        for (index, slots) in SlotSet.evenly(among: spec.masters).enumerated() {
            let writers = host.writers(now).filter { !$0.slots.intersection(slots).isEmpty }
            guard let writer = writers.first else { continue }
            host.engines[writer.pid]?.data += 1
            acknowledged[index] = host.engines[writer.pid]?.data ?? 0
        }
    }

    /// Rule 3.
    func checkWriters() {
        var covered = SlotSet()
        for (slots, pid) in host.writers(now) {
            if !covered.intersection(slots).isEmpty { breaks("two writers for slots \(slots) (pid \(pid))") }
            covered = covered.union(slots)
        }
    }
}
