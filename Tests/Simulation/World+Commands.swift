import ClusterModel
import Planner

/// The replies of nodes that serve their sockets.
extension World {
    private func reach(_ contact: Effect.Contact) -> SimulatedEngine? {
        host.pids.compactMap { host.engines[$0] }.first { $0.ports.client == contact.port && $0.listens(now) }
    }

    func command(_ effect: Effect) -> Outcome {
        switch effect {
        case .ask(_, let contact), .identify(_, let contact): return answer(contact)
        case .shutdown(_, let contact, let saving):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            if now < engine.loadedAt { return .failed("LOADING Redis is loading the dataset in memory") }
            if saving != .never, host.isFull(engine.directory) {
                return .failed("ERR Errors trying to SHUTDOWN. Check logs.")
            }
            host.engines[engine.identity.pid]?.isStopping = true
            after(2...40, .exit(pid: engine.identity.pid, code: 0, signal: nil, log: []))
            return .done
        case .handOver(_, let contact, let from):
            guard let engine = reach(contact), engine.masterID == from.master, engine.link == .up,
                let master = host.engine(from.master), master.serves(now)
            else { return .failed("ERR it is no replica in sync") }
            beginHandOver(engine, from: master)
            return .done
        case .promote(let promotion, let contact), .takeOver(let promotion, let contact):
            return promote(promotion, contact)
        case .forget(_, let contact, let ids): return forget(ids, contact)
        case .save(_, let contact):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            saveInBackground(engine.identity.pid)
            return .done
        case .meet(_, let contact, _, let ports): return meet(contact, ports)
        case .announce(_, let contact, _, let all): return announce(contact, all)
        case .configure(_, let contact, let name, let value):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            configure(engine.identity.pid, name, value)
            return .done
        default: return .done
        }
    }

    private func answer(_ contact: Effect.Contact) -> Outcome {
        guard let engine = reach(contact) else { return .answered(.refused) }
        if engine.stoppedUntil != nil { return .heard(.silent, .init(state: .stopped, cpuTicks: 1)) }
        if now < engine.busyUntil {
            return .heard(.silent, .init(state: .running, cpuTicks: UInt64(max(0, now.nanoseconds) / 10_000_000)))
        }
        if now < engine.loadedAt { return .answered(.answered("LOADING Redis is loading the dataset in memory")) }
        return .answered(.report(report(engine)))
    }

    /// The guarded promotion: `HostDriver.promotionScript` (invariants: proven-death, no-late-order).
    private func promote(_ promotion: Effect.Promotion, _ contact: Effect.Contact) -> Outcome {
        guard let engine = reach(contact) else { return .failed("it refuses the connection") }
        guard !engine.isMaster, engine.masterID == promotion.masterID, engine.link == .down,
            promotion.isObeyed(at: wall)
        else { return .failed("ERR it may not take over") }
        if engine.entries[promotion.masterID]?.flags.contains(.fail) == true,
            engine.currentEpoch > promotion.epoch ?? 0
        {
            return .failed("ERR an election may be under way in epoch \(engine.currentEpoch)")
        }
        if let master = host.engine(promotion.masterID) {
            breaks("\(promotion.replica) takes over while \(promotion.master) (pid \(master.identity.pid)) lives")
        }
        takeOver(engine.identity.pid, epoch: nil)
        return .done
    }

    /// A node that was forgotten is not learned again from others for a minute (`CLUSTER_BLACKLIST_TTL`, src/cluster.c).
    private func forget(_ ids: [NodeID], _ contact: Effect.Contact) -> Outcome {
        guard let engine = reach(contact) else { return .failed("it refuses the connection") }
        for id in ids {
            guard engine.entries[id] != nil else { return .failed("ERR Unknown node \(id)") }
            if engine.masterID == id { return .failed("ERR Can't forget my master!") }
            host.engines[engine.identity.pid]?.entries[id] = nil
            host.engines[engine.identity.pid]?.bus.forgottenAt[id] = now
        }
        return .done
    }

    private func meet(_ contact: Effect.Contact, _ ports: PortPair) -> Outcome {
        guard let here = reach(contact),
            let there = host.pids.compactMap({ host.engines[$0] }).first(where: { $0.ports == ports })
        else { return .failed("nobody is there") }
        for (one, other) in [(here, there), (there, here)] where one.entries[other.id] == nil {
            var entry = other.myself
            entry.flags.remove(.myself)
            entry.linkConnected = false
            entry.slots = SlotSet()
            entry.configEpoch = 0
            host.engines[one.identity.pid]?.entries[other.id] = entry
            host.engines[one.identity.pid]?.bus.heardAt[other.id] = now
        }
        return .done
    }

    /// A node that knows the sender reads the message like a ping.
    private func announce(_ contact: Effect.Contact, _ all: [PortPair]) -> Outcome {
        guard let here = reach(contact) else { return .failed("it refuses the connection") }
        for ports in all {
            let there = host.pids.compactMap { host.engines[$0] }.first { $0.ports == ports && $0.isAwake(now) }
            guard let there else { continue }
            exchange(here.identity.pid, there.identity.pid)
        }
        return .done
    }

    private func configure(_ pid: Int32, _ name: String, _ value: String) {
        guard var engine = host.engines[pid] else { return }
        if name == "cluster-replica-no-failover" { engine.settings.electsItself = value == "no" }
        if name == "appendonly" {
            let isNew = value == "yes" && !engine.settings.appendOnly
            engine.settings.appendOnly = value == "yes"
            // It is rewritten from memory.
            if isNew { engine.rewriteDue = now }
        }
        host.engines[pid] = engine
        persist(pid)
    }

    func report(_ engine: SimulatedEngine) -> NodeReport {
        let files = host.folders[engine.directory]?.appendOnly
        let bytes = files.map { SimulatedFolder.bytes($0, keys: writes.keys($0.copy)) }
        var report = NodeReport(
            processID: engine.identity.pid, id: engine.id,
            engine: writes.contents.engine, loading: false, replication: replication(engine),
            clusterStateOK: host.isOK(engine, now), currentEpoch: engine.currentEpoch, view: engine.file.view,
            persistence: .init(
                appendOnly: engine.settings.appendOnly, saving: false, lastSaveOK: !engine.saveFailed,
                lastAppendOK: !engine.appendFailed,
                appendFsync: engine.settings.appendFsync, appendOnlyBytes: bytes),
            load: writes.contents.load(writes.keys(engine.copy)),
            settings: [
                "cluster-replica-no-failover": engine.settings.electsItself ? "no" : "yes",
                "min-replicas-to-write": String(engine.settings.replicasToWrite),
            ])
        for open in engine.myself.importing {
            let keys = slots.keys(of: open.slot).count { writes.version(of: $0, in: engine.copy) != nil }
            report.keysOfImportedSlots[open.slot] = Int64(keys)
        }
        report.persistence.rewritesAppendOnly = engine.settings.appendOnly && engine.rewriteDue != nil
        return report
    }

    private func replication(_ engine: SimulatedEngine) -> NodeReport.Replication {
        let stream = engine.isInStream ? engine.copy : nil
        var told = NodeReport.Replication(
            role: engine.isMaster ? .master : .replica, linkUp: !engine.isMaster && engine.link == .up,
            syncInProgress: { if case .syncing = engine.link { true } else { false } }(),
            replicationID: stream.map { writes.streams[$0.stream].id } ?? engine.ownHistory,
            offset: stream.map(writes.offset) ?? 0, connectedReplicas: 0,
            linkDownFor: engine.linkLostAt.map { .seconds(Int((now - $0) / .seconds(1))) })
        // Counted only if writes require it (`genRedisInfoString`, src/server.c).
        if engine.settings.replicasToWrite > 0 { told.goodReplicas = goodReplicas(of: engine) }
        return told
    }
}
