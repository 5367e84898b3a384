import ClusterModel
import Orchestrator
import Planner

/// What the hands do, when they do it.
extension World {
    func carryOut(_ effect: Effect) -> Outcome {
        switch effect {
        case .survey:
            return .surveyed(host.survey(record?.members.map(\.directory) ?? [], at: now))
        case .reserve(let pairs, _):
            var states: [PortPair: Outcome.Taken?] = [:]
            for pair in pairs {
                let taken = [pair.client, pair.bus].first(where: host.foreignPorts.contains)
                states.updateValue(
                    taken.map { .init(port: $0, sentence: "\($0) is in use by nc (pid 7)") }, forKey: pair)
            }
            return .reserved(states)
        case .release: return .done
        case .askSettings: return .settings([:])
        case .inspect:
            return .inspected(.init(askedAt: now, engine: nil, quarantineBytes: 0, quarantineFolders: 0))
        case .measureLogs(let logs):
            return .measured(
                .init(askedAt: now, bytes: Dictionary(logs.map { ($0.node, 0) }, uniquingKeysWith: { $1 })))
        case .makeDirectory(_, let path):
            if host.directories[path] == nil { host.directories[path] = .init() }
            return .done
        case .quarantine(let move):
            checkUnused(move.directory, "files are moved")
            if let name = host.directories[move.directory]?.nodesFileName, move.files.contains(name) {
                host.directories[move.directory]?.nodesFile = nil
                host.directories[move.directory]?.nodesFileName = nil
            }
            if move.files.contains("appendonlydir") { breaks("keys of \(move.node) are moved away") }
            return .done
        case .preserve, .makeReserve, .releaseReserve: return .done
        case .writeFiles(let files):
            checkUnused(files.directory, "files are written")
            if let file = files.nodesFile {
                host.directories[files.directory]?.nodesFile = file
                host.directories[files.directory]?.nodesFileName = files.nodesFileName
            }
            host.directories[files.directory]?.redisConf = files.redisConf
            return .done
        case .start(let start):
            if record?.stage != .formed { breaks("\(start.node) is started before the record says formed") }
            guard let engine = boot(start.directory) else { return .failed("it cannot be started") }
            watched[engine.identity.pid] = (start.node, generation)
            return .process(engine.identity, startedAt: wall)
        case .adopt(let node, let identity):
            guard host.engines[identity.pid]?.identity == identity else { return .failed("the process has ended") }
            watched[identity.pid] = (node, generation)
            return .process(identity, startedAt: wall)
        case .inquire(_, let identity, _):
            return .inquired(.init(of: identity, namedByKernel: false, memoryKills: nil, log: []))
        case .killHung(_, let identity, _): return carryOut(.signal("", identity, .kill))
        case .signal(_, let identity, let signal):
            guard host.engines[identity.pid] != nil else { return .failed("the process has ended") }
            after(1...5, .exit(pid: identity.pid, code: signal == .kill ? nil : 0, signal: signal == .kill ? 9 : nil))
            return .done
        default: return command(effect)
        }
    }

    private func checkUnused(_ directory: String, _ what: String) {
        if let user = host.user(of: directory) {
            breaks("\(what) in \(directory), which pid \(user.identity.pid) uses")
        }
    }

    private func reach(_ contact: Effect.Contact) -> SimulatedEngine? {
        host.engines.values.filter { $0.ports.client == contact.port && $0.listens(now) }
            .min { $0.identity.pid < $1.identity.pid }
    }

    private func command(_ effect: Effect) -> Outcome {
        switch effect {
        case .ask(_, let contact), .identify(_, let contact):
            guard let engine = reach(contact) else { return .answered(.refused) }
            return .answered(.report(engine.report(now, isOK: host.isOK(engine, now))))
        case .shutdown(_, let contact, _):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            host.engines[engine.identity.pid]?.isStopping = true
            after(2...40, .exit(pid: engine.identity.pid, code: 0, signal: nil))
            return .done
        case .handOver(_, let contact, let from):
            guard let engine = reach(contact), engine.masterID == from.master, engine.link == .up,
                let master = host.engine(from.master)
            else { return .failed("ERR it is no replica in sync") }
            if host.refusesElection(of: engine, after: from.master, now) {
                breaks(
                    "\(engine.ports.client) is to take over while the engine refuses to elect it: writes wait for nothing"
                )
            }
            host.engines[master.identity.pid]?.isPaused = true
            after(3...60, .handOver(heir: engine.identity.pid))
            return .done
        case .promote(let promotion, let contact):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            guard !engine.isMaster, engine.masterID == promotion.masterID, engine.link == .down,
                wall <= promotion.deadline
            else { return .failed("ERR it may not take over") }
            host.engines[engine.identity.pid]?.takeOver(history: String(random.next(), radix: 16))
            checkWriters()
            return .done
        case .meet(_, let contact, _, let ports):
            guard let host = reach(contact), let guest = self.host.engines.values.first(where: { $0.ports == ports })
            else {
                return .failed("nobody is there")
            }
            for (here, there) in [(host, guest), (guest, host)] {
                var entry = there.myself
                entry.flags.remove(.myself)
                entry.slots = SlotSet()
                entry.configEpoch = 0
                if here.entries[there.id] == nil { self.host.engines[here.identity.pid]?.entries[there.id] = entry }
            }
            return .done
        case .configure(_, let contact, let name, let value):
            guard let engine = reach(contact) else { return .failed("it refuses the connection") }
            if name == "appendonly" { host.engines[engine.identity.pid]?.appendOnly = value == "yes" }
            return .done
        default: return .done
        }
    }
}
