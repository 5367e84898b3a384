import ClusterModel
import ControlAPI
import Planner

/// Events for clusterd's actions on nodes and files, and for attempts that failed.
struct EffectEvents: Sendable {
    /// Effects that have begun, and have not ended or whose end has not been reported yet.
    private var underWay: [EffectKey: Effect] = [:]
    /// Reported for a node's current process: a repeated action is reported once.
    private var told: [NodeName: Set<String>] = [:]

    mutating func events(_ scene: Scene) -> [TimelineEvent] {
        for member in scene.members
        where scene.running(member.name).map({ $0.identity != scene.ranBefore(member.name)?.identity }) ?? false {
            told[member.name] = nil
        }
        let ended = outcomes(scene)
        return ended + orders(scene)
    }

    private mutating func outcomes(_ scene: Scene) -> [TimelineEvent] {
        var events: [TimelineEvent] = []
        for (key, effect) in underWay.sorted(by: { $0.key < $1.key }) {
            let history = scene.cycle.seen.effects[key]
            if let history, history.isUnderWay { continue }
            underWay[key] = nil
            if let failure = history?.failure {
                guard isNews("failed \(effect.kind): \(failure)", effect.node) else { continue }
                events.append(failed(effect, failure, scene))
            } else if let event = done(effect, scene), isNews("done \(key)", effect.node) {
                events.append(event)
            }
        }
        return events
    }

    private mutating func orders(_ scene: Scene) -> [TimelineEvent] {
        var events: [TimelineEvent] = []
        for effect in scene.cycle.decision.effects where underWay[effect.key] == nil {
            // An effect that the record does not allow yet was decided, but has not begun.
            guard effect.attributes.isTold, scene.cycle.seen.effects[effect.key]?.isUnderWay == true else { continue }
            underWay[effect.key] = effect
            if let event = begun(effect, scene), isNews(effect.beginning(event.code), effect.node) {
                events.append(event)
            }
        }
        return events
    }

    private mutating func isNews(_ words: String, _ node: NodeName?) -> Bool {
        told[node ?? "", default: []].insert(words).inserted
    }

    private func begun(_ effect: Effect, _ scene: Scene) -> TimelineEvent? {
        switch effect {
        case .shutdown(let node, let contact, _):
            stopping(node, contact.process, scene)
        case .signal(let node, let process, .terminate):
            stopping(node, process, scene)
        case .signal(let node, let process, .kill):
            TimelineEvent(
                .nodeKilled, .warning, at: scene.wall, node: node,
                "clusterd sends SIGKILL to \(node) (pid \(process.pid))",
                data: ["pid": .integer(process.pid)])
        case .handOver(let node, _, let from):
            TimelineEvent(
                .handOverOrdered, at: scene.wall, node: node, shard: scene.cycle.record?.member(id: from.master)?.name,
                "clusterd tells \(node) to take over from its live master "
                    + "\(scene.cycle.record?.member(id: from.master)?.name.text ?? from.master.short), "
                    + "which agrees",
                data: ["from": .text(scene.cycle.record?.member(id: from.master)?.name)])
        default: nil
        }
    }

    private func stopping(_ node: NodeName, _ process: ProcessIdentity, _ scene: Scene) -> TimelineEvent {
        let operation = scene.operation(on: node)
        let why =
            scene.isEnding
            ? "the cluster is being stopped"
            : operation.map { "operation \($0.id), \($0.name)" } ?? "clusterd's decision"
        return TimelineEvent(
            .nodeStopping, at: scene.wall, node: node, "clusterd stops \(node) (pid \(process.pid)): \(why)",
            data: ["pid": .integer(process.pid), "operation": .text(operation?.id)])
    }

    private func done(_ effect: Effect, _ scene: Scene) -> TimelineEvent? {
        switch effect {
        case .continueStopped(let node, let process, _, _):
            TimelineEvent(
                .nodeContinued, .warning, at: scene.wall, node: node,
                "\(node) (pid \(process.pid)) was stopped (state T) by another process; clusterd sent it SIGCONT",
                data: ["pid": .integer(process.pid)])
        case .quarantine(let move):
            TimelineEvent(
                .quarantined, .warning, at: scene.wall,
                node: scene.members.contains { $0.name == move.node } ? move.node : nil,
                "\(move.node): \(move.note); moved to quarantine/\(move.folder)", data: Self.data(move))
        case .preserve(let copies):
            TimelineEvent(
                .preserved, at: scene.wall, node: copies.node,
                "\(copies.node): clusterd copied its data to quarantine/\(copies.folder): \(copies.note)",
                data: Self.data(copies))
        case .makeReserve(let folder):
            TimelineEvent(
                .reserveMade, at: scene.wall,
                "reserved \(Disk.text(Reserve.bytes)) on the disk of \(folder) in case the disk fills up",
                data: ["path": .string(Reserve.path(in: folder)), "bytes": .integer(Reserve.bytes)])
        case .releaseReserve(let folder):
            TimelineEvent(
                .reserveReleased, .warning, at: scene.wall,
                "the disk of \(folder) is full: clusterd released its reserve of \(Disk.text(Reserve.bytes)) so that nodes can "
                    + "save role changes",
                data: ["path": .string(Reserve.path(in: folder)), "bytes": .integer(Reserve.bytes)])
        case .meet(let node, _, _, let ports):
            scene.members.first { $0.ports == ports }.map { guest in
                TimelineEvent(
                    .nodeIntroduced, at: scene.wall, node: guest.name, "clusterd introduced \(guest.name) to \(node)",
                    data: ["to": .text(node)])
            }
        case .configure(let node, _, let name, let value):
            SettingValue.isSecret(name)
                ? TimelineEvent(
                    .settingRestored, at: scene.wall, node: node,
                    "clusterd set \(name) of \(node) to its configured value",
                    data: ["name": .text(name)])
                : TimelineEvent(
                    .settingRestored, at: scene.wall, node: node,
                    "clusterd set \(name) of \(node) to its configured value \(value)",
                    data: ["name": .text(name), "value": .text(value)])
        default: nil
        }
    }

    private static func data(_ files: Effect.Quarantine) -> [String: JSONValue] {
        [
            "folder": .text(files.folder), "directory": .text(files.directory), "files": .texts(files.files),
            "why": .text(files.note),
        ]
    }

    private func failed(_ effect: Effect, _ failure: String, _ scene: Scene) -> TimelineEvent {
        TimelineEvent(
            .attemptFailed, .warning, at: scene.wall, node: effect.node, "\(effect.attempt): \(failure)",
            data: ["what": .text(effect.kind), "why": .text(failure)])
    }
}

extension Effect {
    /// The name in events: `hand-over`.
    fileprivate var kind: String { attributes.kind.rawValue.replacing(" ", with: "-") }

    /// Identifies its start for reporting. Most effects are reported once per process.
    fileprivate func beginning(_ code: TimelineEvent.Code) -> String {
        if case .handOver = self { return "begun \(key)" }
        return "begun \(code.rawValue)"
    }

    /// The failed attempt, in words.
    fileprivate var attempt: String {
        let name = node?.text ?? "clusterd"
        return switch self {
        case .makeDirectory(_, let path): "\(name): cannot create its folder \(path)"
        case .quarantine: "\(name): cannot move obstructing files to quarantine"
        case .makeReserve(let folder): "cannot create the reserve in \(folder)"
        case .releaseReserve(let folder): "cannot release the reserve in \(folder)"
        case .preserve: "\(name): cannot copy its data to quarantine"
        case .writeFiles: "\(name): cannot write nodes.conf and redis.conf"
        case .start: "cannot start \(name)"
        case .adopt(_, let process): "\(name): cannot adopt pid \(process.pid)"
        case .signal(_, let process, let signal):
            "\(name): cannot send SIG\(signal == .kill ? "KILL" : "TERM") to pid \(process.pid)"
        case .continueStopped(_, let process, _, _): "\(name): cannot send SIGCONT to pid \(process.pid)"
        case .shutdown: "cannot shut down \(name)"
        case .handOver: "\(name) cannot take over"
        case .promote(let promotion, _): "\(name) cannot take over from \(promotion.master)"
        case .rotateLog(let rotation): "cannot rotate \(rotation.path)"
        case .limitMemory: "cannot limit the memory of \(name)"
        case .replicate: "cannot make \(name) a replica"
        case .meet: "cannot introduce \(name) to another node"
        case .repairAppendOnly(let repair): "\(name): cannot truncate \(repair.file)"
        case .forget(_, _, let ids): "\(name) cannot forget \(ids.map { "node \($0.short)" }.joined(separator: ", "))"
        case .takeOver: "\(name) cannot take its slots"
        case .closeSlot(_, _, let slot, _): "\(name): cannot cancel the migration of slot \(slot)"
        case .migrateSlots(let migration, _, _): "\(name): cannot move slots to \(migration.target)"
        case .returnKeys(let migration, _, _): "\(name): cannot move keys to \(migration.target)"
        case .writeManifest(let write): "\(name): cannot write \(write.file)"
        case .addSlots(_, _, let slots, _): "cannot assign slots \(slots) to \(name)"
        case .configure(_, _, let directive, _): "\(name): cannot set \(directive)"
        case .acceptPassword: "\(name): cannot add the new password beside the old one"
        case .loadCertificates: "\(name) keeps its current TLS certificates"
        default: "\(name): \(kind) failed"
        }
    }
}
