import ClusterModel
import Planner

/// Faults, and actions of users.
extension World {
    /// A request of the operator, for the node with that number if it concerns one.
    enum Request: CaseIterable {
        case restartNode, startNode, stopNode, failover, failoverFrom, rollingRestart, pause, resume, cancel
    }

    /// A change of the data in a folder that no process uses.
    enum Tampering: CaseIterable {
        case deleted, older, shortened, torn
    }

    enum Fault {
        case killNode(Int, Tampering?)
        /// All processes end at once, the power too if `crash`; the data in some folders are changed.
        case killAll(crash: Bool, [(node: Int, Tampering)])
        /// SIGSTOP, and SIGCONT after this time.
        case stopNode(Int, Duration)
        case stopAgain(pid: Int32, until: Moment)
        /// It computes, and does not serve its sockets.
        case busyNode(Int, Duration)
        /// A replica receives nothing for this time, and then its master dies.
        case slowLink(Int, Duration)
        case killDaemon
        case command(Request, Int, key: String)
        case stop
        case startDaemon
        case takePort(Int)
        case freePorts
        /// The disk of that node, or the shared disk, has only this much free, for this time.
        case fillDisk(of: Int?, leaving: Int64, isGreedy: Bool, Duration)
        case emptyDisks
        /// The wall clock is set forward, or back.
        case stepClock(Duration)
        case moveSlots(SlotRequest, key: String)
    }

    func happen(_ fault: Fault) {
        switch fault {
        case .killNode(let index, let tampering):
            let members = record?.members ?? []
            guard !members.isEmpty, let engine = host.user(of: members[index % members.count].directory) else { return }
            exit(engine.identity.pid, code: nil, signal: 9)
            if let tampering { tamper(engine.directory, tampering) }
        case .killAll(let crash, let tampering):
            tell(crash ? "the host loses its power" : "every process is killed")
            killDaemon()
            for pid in host.pids { exit(pid, code: nil, signal: 9) }
            if crash { host.losePower() }
            for (index, what) in tampering {
                guard let members = record?.members, !members.isEmpty else { continue }
                tamper(members[index % members.count].directory, what)
            }
            after(10...500, .fault(.startDaemon))
        case .killDaemon:
            guard cycle != nil else { return }
            killDaemon()
            after(10...500, .fault(.startDaemon))
        case .startDaemon:
            if cycle == nil, ended == nil { startDaemon() }
        case .stopNode(let index, let time):
            let pids = host.pids
            guard !pids.isEmpty else { return }
            let pid = pids[index % pids.count]
            // Some are stopped again as soon as they are continued.
            if time.inMilliseconds % 2 == 1 { keepsStopping[pid] = now + .seconds(14) }
            stop(pid, for: time)
        case .stopAgain(let pid, let end): stopAgain(pid, until: end)
        case .busyNode(let index, let time):
            let pids = host.pids
            guard !pids.isEmpty else { return }
            host.engines[pids[index % pids.count]]?.busyUntil = now + time
        case .slowLink(let index, let time): slow(index, time)
        case .command(let request, let index, let key): ask(request, index, key)
        case .stop: post(.intent(.stop(asked: now, kill: false)))
        case .takePort(let index):
            guard let record, !record.members.isEmpty else { return }
            let member = record.members[index % record.members.count]
            // Only an unused port can be taken.
            guard host.user(of: member.directory) == nil, cycle == nil else { return }
            tell("somebody takes \(member.ports.client)")
            host.foreignPorts.insert(member.ports.client)
        case .freePorts: host.foreignPorts = []
        case .fillDisk(let index, let bytes, let isGreedy, let time):
            fill(index, leaving: bytes, isGreedy: isGreedy, for: time)
        case .stepClock(let time): stepClock(by: time)
        case .moveSlots(let request, let key): ask(request, key)
        case .emptyDisks: for place in host.disks.indices { host.disks[place].empty() }
        }
    }

    private func slow(_ index: Int, _ time: Duration) {
        let replicas = host.pids.filter { host.engines[$0]?.isMaster == false }
        guard !replicas.isEmpty, let replica = host.engines[replicas[index % replicas.count]],
            let master = replica.masterID.flatMap(host.engine)
        else { return }
        tell("\(replica.ports.client) is sent nothing for \(time)")
        host.engines[replica.identity.pid]?.slowUntil = now + time + .seconds(1)
        queue.add(.exit(pid: master.identity.pid, code: nil, signal: 9, log: []), at: now + time)
    }

    private func stop(_ pid: Int32, for time: Duration) {
        guard host.engines[pid] != nil else { return }
        tell("pid \(pid) is stopped for \(time)")
        host.engines[pid]?.stoppedUntil = now + time
        if host.engines[pid]?.stoppedAt == nil { host.engines[pid]?.stoppedAt = now }
        queue.add(.thaw(pid: pid), at: now + time)
    }

    func thaw(_ pid: Int32) {
        guard let until = host.engines[pid]?.stoppedUntil, now >= until else { return }
        if let end = keepsStopping[pid], now < end { return stop(pid, for: end - now) }
        resume(pid)
    }

    /// Invariant: no-late-continue. clusterd never sends SIGCONT to a node whose slots another node owns, whether or
    /// not clusterd knows it.
    func continueStopped(_ pid: Int32) -> Outcome {
        guard let engine = host.engines[pid], engine.stoppedUntil != nil else { return .failed("it is not as it was") }
        if let candidate = candidate(of: engine) {
            breaks("pid \(pid) is continued after \(candidate.ports.client) has taken over from it")
        }
        continued.insert(pid)
        resume(pid)
        if let end = keepsStopping[pid], now < end {
            queue.add(.fault(.stopAgain(pid: pid, until: end)), at: now + milliseconds(1...2000))
        }
        return .done
    }

    func stopAgain(_ pid: Int32, until end: Moment) {
        guard now < end, host.engines[pid]?.stoppedUntil == nil else { return }
        stop(pid, for: end - now)
    }

    /// Invariant: no-unrequested-stop. Without a request, a stopped process is killed only if it could not be
    /// continued: it was, and is stopped again; another node owns its slots; or the other nodes have not heard from it
    /// for so long that they may hold an election.
    func checkKill(_ engine: SimulatedEngine) {
        let pid = engine.identity.pid
        let silence = engine.stoppedAt.map { now - $0 } ?? .zero
        if !continued.contains(pid), candidate(of: engine) == nil, silence + .seconds(1) < engine.settings.nodeTimeout {
            breaks("pid \(pid) is killed and could have been continued")
        }
    }

    /// A master at a higher epoch with slots that this one claims.
    private func candidate(of engine: SimulatedEngine) -> SimulatedEngine? {
        guard engine.isMaster else { return nil }
        return host.pids.compactMap { host.engines[$0] }.first { other in
            other.identity != engine.identity && other.isMaster
                && other.myself.configEpoch > engine.myself.configEpoch
                && !other.slots.intersection(engine.servedSlots).isEmpty
        }
    }

    private func resume(_ pid: Int32) {
        guard var engine = host.engines[pid] else { return }
        tell("pid \(pid) goes on")
        engine.stoppedAt = nil
        engine.stoppedUntil = nil
        // Its socket buffers are read before it judges which nodes are silent.
        for entry in engine.entries.list { engine.bus.heardAt[entry.id] = now }
        host.engines[pid] = engine
    }

    /// A user, or the disk, deletes, replaces or truncates the data of a node that does not run.
    private func tamper(_ directory: String, _ what: Tampering) {
        guard let before = host.folders[directory], host.user(of: directory) == nil else { return }
        var folder = before
        let count = Int.random(in: 1...60, using: &random)
        switch what {
        case .deleted: (folder.appendOnly, folder.dump) = (nil, nil)
        case .older:
            // An older dump replaces the data.
            let shorter = writes.shortened(folder.appendOnly?.copy ?? folder.dump?.copy, by: count)
            let then = wall + (.zero - .seconds(60))
            folder.dump = .init(copy: shorter, savedAt: then, modified: then)
            folder.appendOnly = nil
        case .shortened: shorten(&folder, below: record?.members.first { $0.directory == directory }?.lastSeen)
        case .torn: if folder.appendOnly?.copy != nil { folder.appendOnly?.isTorn = true }
        }
        // Truncation by a power loss is not tampering.
        guard folder.appendOnly != before.appendOnly || folder.dump != before.dump else { return }
        tell("\(directory): the data are \(what)")
        folder.isTampered = true
        host.folders[directory] = folder
    }

    /// Cuts between two commands. Only so far that it is detectable: less remains than was seen of it before.
    private func shorten(_ folder: inout SimulatedFolder, below last: LastSeen?) {
        guard let file = folder.appendOnly, let seen = last?.appendOnlyBytes else { return }
        let keys = writes.keys(file.copy)
        let kept = Int((seen - SimulatedFolder.bytes(file, keys: 0)) / Writes.bytes) - 1
        guard kept > 0, kept < keys, file.baseKeys < kept else { return }
        folder.appendOnly?.copy = writes.shortened(file.copy, by: keys - kept)
    }

    /// A requested shutdown: the memory is saved.
    func saveAtEnd(_ engine: SimulatedEngine) {
        guard var folder = host.folders[engine.directory], now >= engine.loadedAt, !host.isFull(engine.directory)
        else { return }
        if engine.rewriteDue == nil, let copy = folder.appendOnly.map(\.copy) { folder.appendOnly?.synced = copy }
        save(&folder, engine)
        host.folders[engine.directory] = folder
    }
}
