import ClusterModel
import Planner

/// Carries out effects when they are due.
extension World {
    /// The holder of these ports that prevents their reservation; nil if there is none.
    private func holder(of pair: PortPair) -> Outcome.Taken? {
        if let port = [pair.client, pair.bus].first(where: host.foreignPorts.contains) {
            return .init(port: port, sentence: "\(port) is in use by nc (pid 7)", holder: .process(pid: 7))
        }
        let engine = host.pids.compactMap { host.engines[$0] }.first { $0.ports.overlaps(pair) && $0.listens(now) }
        guard let engine, !reservations.contains(pair) else { return nil }
        let isSeen = host.guise == .plain || host.guise == .renamed
        let name = isSeen ? "\(engine.identity)" : "a process that clusterd does not see"
        return .init(
            port: engine.ports.client, sentence: "\(engine.ports.client) is in use by \(name)",
            holder: isSeen ? .process(pid: engine.identity.pid) : .hidden)
    }

    func carryOut(_ effect: Effect) -> Outcome {
        if let folder = effect.writesIn, host.isFull(folder) { return .failed(Self.noSpace) }
        switch effect {
        case .survey:
            return .surveyed(host.survey(record, writes, at: now))
        case .reserve(let pairs, _):
            var states: [PortPair: Outcome.Taken?] = [:]
            for pair in pairs {
                let holder = holder(of: pair)
                if holder == nil { reservations.insert(pair) }
                states.updateValue(holder, forKey: pair)
            }
            return .reserved(states)
        case .release(let pairs):
            reservations.subtract(pairs)
            return .done
        case .makeReserve(let folder): return carryOut(reserveIn: folder, isMade: true)
        case .releaseReserve(let folder): return carryOut(reserveIn: folder, isMade: false)
        case .askSettings: return .settings([:])
        case .inspect:
            return .inspected(.init(askedAt: now, engine: nil, quarantineBytes: 0, quarantineFolders: 0))
        case .measureLogs(let logs):
            return .measured(
                .init(askedAt: now, bytes: Dictionary(logs.map { ($0.node, 0) }, uniquingKeysWith: { $1 })))
        case .measureUsage(let processes):
            let nodes = processes.mapValues { NodeUsage(of: $0, cpu: .zero, residentBytes: 1 << 20) }
            return .used(.init(askedAt: now, nodes: nodes, delegation: .none("there are no cgroups here")))
        case .makeDirectory(_, let path):
            if host.folders[path] == nil { host.folders[path] = .init() }
            return .done
        case .quarantine(let move):
            checkUnused(move.directory, "files are moved")
            setAside(move)
            return .done
        case .preserve(let copies):
            host.quarantine[copies.folder, default: []] += host.folders[copies.directory]?.copies ?? []
            return .done
        case .discardCopy(let folder):
            host.quarantine[folder] = nil
            return .done
        case .writeFiles(let files):
            checkUnused(files.directory, "files are written")
            if let file = files.nodesFile {
                host.folders[files.directory]?.nodesFile = file
                host.folders[files.directory]?.nodesFileName = files.nodesFileName
            }
            host.folders[files.directory]?.redisConf = files.redisConf
            return .done
        case .start(let start):
            if record?.stage != .formed { breaks("\(start.node) is started before the record says formed") }
            guard let engine = boot(start.directory) else { return .failed("it cannot be started") }
            watched[engine.identity.pid] = (start.node, generation)
            return .process(engine.identity, startedAt: wall)
        case .adopt(let node, let identity):
            guard host.engines[identity.pid]?.identity == identity else { return .failed("the process has ended") }
            watched[identity.pid] = (node, generation)
            return .process(identity, startedAt: started(identity))
        case .inquire(_, let identity, _):
            return .inquired(.init(of: identity, namedByKernel: false, memoryKills: nil, log: []))
        case .examine(_, let identity, let path):
            return .examined(.init(of: identity, path: path, bytes: 1000, goodBytes: 900))
        case .repairAppendOnly(let repair):
            checkUnused(repair.directory, "a file is cut")
            host.folders[repair.directory]?.appendOnly?.isTorn = false
            return .done
        case .killHung(_, let identity, _):
            guard let engine = host.engines[identity.pid], engine.stoppedUntil != nil else {
                return .failed("it is not as it was")
            }
            checkKill(engine)
            return carryOut(.signal("", identity, .kill))
        case .continueStopped(_, let identity, _, _): return continueStopped(identity.pid)
        case .signal(_, let identity, let signal):
            guard let engine = host.engines[identity.pid] else { return .failed("the process has ended") }
            // It continues to run if it cannot save its data (`prepareForShutdown`, src/server.c).
            if signal == .terminate, host.isFull(engine.directory) { return .done }
            after(
                1...5,
                .exit(pid: identity.pid, code: signal == .kill ? nil : 0, signal: signal == .kill ? 9 : nil, log: []))
            return .done
        default: return command(effect)
        }
    }

    /// The start time in /proc is from a clock that is never set; it is converted with the current wall clock.
    private func started(_ process: ProcessIdentity) -> WallTime {
        let began = Moment(nanoseconds: Int64(clamping: process.startTime) * 10_000_000)
        return wall + (.zero - (now - began))
    }

    /// Invariant: idle-folder.
    private func checkUnused(_ directory: String, _ what: String) {
        if let user = host.user(of: directory) {
            breaks("\(what) in \(directory), which pid \(user.identity.pid) uses")
        }
    }

    private func setAside(_ move: Effect.Quarantine) {
        guard var folder = host.folders[move.directory] else { return }
        if let name = folder.nodesFileName, move.files.contains(name) {
            folder.nodesFile = nil
            folder.nodesFileName = nil
        }
        if move.files.contains("appendonlydir") {
            host.quarantine[move.folder, default: []].append(folder.appendOnly?.copy)
            folder.appendOnly = nil
        }
        if move.files.contains("dump.rdb") {
            host.quarantine[move.folder, default: []].append(folder.dump?.copy)
            folder.dump = nil
        }
        host.folders[move.directory] = folder
    }
}

extension Effect {
    /// The folder in which it creates files.
    fileprivate var writesIn: String? {
        switch self {
        case .makeDirectory(_, let path): path
        case .writeFiles(let files): files.directory
        case .preserve(let copies): copies.directory
        case .quarantine(let move): move.directory
        default: nil
        }
    }
}

extension Effect {
    /// A command to a node that changes state: it arrives, if late, whether or not clusterd waits for the reply.
    var isOrderToNode: Bool {
        switch self {
        case .promote, .takeOver, .handOver, .configure, .meet, .shutdown, .forget, .replicate, .addSlots: true
        default: false
        }
    }
}
