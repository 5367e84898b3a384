import ClusterModel
import Planner

/// The keys of tracked slots: clients that write to them, and nodes that drop them because the slot has another owner.
extension World {
    /// From now on slots may move.
    func trackSlots() {
        slots.begin(masters: spec.masters)
        for pid in host.pids { host.engines[pid]?.settings.slotsMove = true }
    }

    /// A change of a key is a write of its master's stream: it reaches replicas and files like any other. nil: the key is deleted.
    /// - Returns: its position; nil: the process is gone.
    @discardableResult
    func change(_ key: Int, to version: Int?, at pid: Int32) -> Copy? {
        guard let master = host.engines[pid], var copy = master.copy else { return nil }
        let isFirst = writes.streams[copy.stream].acknowledged == 0
        copy.count += 1
        writes.note(key, version, at: copy)
        host.engines[pid]?.copy = copy
        persist(pid)
        for replica in host.pids { send(copy, to: replica, from: master) }
        writes.acknowledge(copy)
        if isFirst { checkFreshness(of: master, shard: writes.streams[copy.stream].shard) }
        return copy
    }

    func holds(_ engine: SimulatedEngine, keysOf slot: Int) -> Bool {
        slots.keys(of: slot).contains { writes.version(of: $0, in: engine.copy) != nil }
    }

    // MARK: clients

    /// A client that writes to keys of tracked slots, and follows MOVED and ASK.
    func writeKeys() {
        guard slots.isActive else { return }
        for _ in 0..<2 {
            guard let key = slots.keys.randomElement(using: &slots.random), let pid = place(of: key),
                let writer = host.engines[pid], hasGoodReplicas(writer), mayWrite(pid)
            else { continue }
            slots.version += 1
            guard let at = change(key, to: slots.version, at: pid) else { continue }
            slots.acknowledged[key] = .init(version: slots.version, at: at)
        }
    }

    /// The node that accepts a write of this key (`getNodeByQuery`, src/cluster.c); nil: none is found.
    private func place(of key: Int) -> Int32? {
        let slot = slots.slot(of: key)
        let writers = host.writers(now)
        guard var node = writers.randomElement(using: &slots.random) else { return nil }
        var isAsking = false
        for _ in 0..<5 {
            var next: NodeID?
            if node.slots.contains(slot) {
                guard let open = node.myself.migrating.first(where: { $0.slot == slot }),
                    writes.version(of: key, in: node.copy) == nil
                else { return node.identity.pid }
                next = open.node
                isAsking = true
            } else if isAsking, node.isImporting(slot) {
                return node.identity.pid
            } else {
                next = node.entries.list.first { $0.slots.contains(slot) }?.id
                isAsking = false
            }
            guard let found = writers.first(where: { $0.id == next }) else { return nil }
            node = found
        }
        return nil
    }

    // MARK: changes of the owner

    /// A master that hears of a newer owner of its slots deletes their keys (`clusterUpdateSlotsConfigWith` and `delKeysInSlot`,
    /// src/cluster.c). Invariant: no-early-owner.
    func dropKeys(of had: SlotSet, at pid: Int32) {
        guard slots.isActive, let engine = host.engines[pid], engine.isMaster, had != engine.slots else { return }
        let lost = had.subtracting(engine.slots)
        for slot in slots.slots where lost.contains(slot) {
            tell("\(engine.ports.client) gives slot \(slot) up: it has another owner")
            let owner = engine.entries.list.first { $0.slots.contains(slot) }?.id
            for key in slots.keys(of: slot) {
                guard let version = writes.version(of: key, in: host.engines[pid]?.copy) else { continue }
                checkDeletion(of: key, version, at: engine, for: owner)
                change(key, to: nil, at: pid)
            }
        }
    }

    /// A master with keys of a slot that another node owns imports it; a slot without an owner is its own
    /// (`verifyClusterConfigWithData`, src/cluster.c).
    func adoptKeys(_ engine: inout SimulatedEngine) {
        guard slots.isActive, engine.isMaster else { return }
        for slot in slots.slots where !engine.slots.contains(slot) && !engine.isImporting(slot) {
            guard holds(engine, keysOf: slot) else { continue }
            if let owner = engine.entries.list.first(where: { $0.slots.contains(slot) }) {
                engine.entries[engine.id]?.importing.append(.init(slot: slot, node: owner.id))
            } else {
                engine.assign(slot, to: engine.id)
            }
        }
    }

    /// A PONG to every node after a change of an owner (`clusterBroadcastPong`, src/cluster.c): measured 1 to 39 ms. A node to which
    /// there is no link learns it by gossip.
    func broadcast(from pid: Int32) {
        for other in host.pids where other != pid {
            guard let id = host.engines[other]?.id, host.engines[pid]?.entries[id]?.linkConnected == true else {
                continue
            }
            queue.add(.pong(from: pid, to: other), at: now + slots.microseconds(1000...39_000))
        }
    }

    func pong(from pid: Int32, to other: Int32) {
        guard let sender = host.engines[pid], let receiver = host.engines[other] else { return }
        if let due = wakes(receiver) { return queue.add(.pong(from: pid, to: other), at: due) }
        if sender.isAwake(now) { exchange(pid, other) }
    }

    /// When a node that does not serve its sockets reads them; nil: it serves them now, or never again.
    func wakes(_ engine: SimulatedEngine) -> Moment? {
        guard !engine.isStopping, !engine.isAwake(now) else { return nil }
        return max(engine.stoppedUntil ?? now, engine.busyUntil, engine.listensAt, now) + .microseconds(10)
    }
}
