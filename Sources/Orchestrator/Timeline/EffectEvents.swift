import ClusterModel
import ControlAPI
import Planner

/// What clusterd did to nodes and files, and what it tried in vain.
struct EffectEvents: Sendable {
    /// Begun and not yet ended, or ended and not yet told.
    private var underWay: [EffectKey: Effect] = [:]
    /// Told of a node's present process, so that what is done again is told once.
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
            // One that the record does not allow yet was decided and not begun.
            guard effect.isTold, scene.cycle.seen.effects[effect.key]?.isUnderWay == true else { continue }
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
                .nodeKilled, .warning, at: scene.wall, node: node, "\(node) (pid \(process.pid)) is sent SIGKILL",
                data: ["pid": .integer(process.pid)])
        case .handOver(let node, _, let from):
            TimelineEvent(
                .handOverOrdered, at: scene.wall, node: node, shard: scene.cycle.record?.member(id: from.master)?.name,
                "\(node) is to take over from "
                    + "\(scene.cycle.record?.member(id: from.master)?.name.text ?? from.master.short), "
                    + "which lives and agrees",
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
            .nodeStopping, at: scene.wall, node: node, "\(node) (pid \(process.pid)) is told to end: \(why)",
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
                "\(copies.node): a copy of its data is in quarantine/\(copies.folder): \(copies.note)",
                data: Self.data(copies))
        case .makeReserve(let folder):
            TimelineEvent(
                .reserveMade, at: scene.wall,
                "\(Disk.text(Reserve.bytes)) of the disk of \(folder) are kept for the case that it is full",
                data: ["path": .string(Reserve.path(in: folder)), "bytes": .integer(Reserve.bytes)])
        case .releaseReserve(let folder):
            TimelineEvent(
                .reserveReleased, .warning, at: scene.wall,
                "the disk of \(folder) is full: its reserve of \(Disk.text(Reserve.bytes)) is given back, so that nodes can "
                    + "save who is master",
                data: ["path": .string(Reserve.path(in: folder)), "bytes": .integer(Reserve.bytes)])
        case .meet(let node, _, _, let ports):
            scene.members.first { $0.ports == ports }.map { guest in
                TimelineEvent(
                    .nodeIntroduced, at: scene.wall, node: guest.name, "\(guest.name) is introduced to \(node)",
                    data: ["to": .text(node)])
            }
        case .configure(let node, _, let name, let value):
            SettingValue.isSecret(name)
                ? TimelineEvent(
                    .settingRestored, at: scene.wall, node: node, "\(name) of \(node) is set as configured",
                    data: ["name": .text(name)])
                : TimelineEvent(
                    .settingRestored, at: scene.wall, node: node,
                    "\(name) of \(node) is set to \(value), as configured",
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
    /// As events name it: `hand-over`.
    fileprivate var kind: String { key.kind.rawValue.replacing(" ", with: "-") }

    /// What makes its beginning news: of most, that it is the first in the life of a process.
    fileprivate func beginning(_ code: TimelineEvent.Code) -> String {
        if case .handOver = self { return "begun \(key)" }
        return "begun \(code.rawValue)"
    }

    /// Questions and looks around are no events, whatever comes of them.
    fileprivate var isTold: Bool {
        switch self {
        case .survey, .reserve, .release, .ask, .askSettings, .identify, .inspect, .inquire, .measureLogs,
            .measureUsage, .examine:
            false
        default: true
        }
    }

    /// What was tried, in words.
    fileprivate var attempt: String {
        let name = node?.text ?? "clusterd"
        return switch self {
        case .makeDirectory(_, let path): "\(name): its folder \(path) cannot be made"
        case .quarantine: "\(name): what is in the way cannot be moved to quarantine"
        case .makeReserve(let folder): "no reserve can be made in \(folder)"
        case .releaseReserve(let folder): "the reserve in \(folder) cannot be given back"
        case .preserve: "\(name): its data cannot be copied to quarantine"
        case .writeFiles: "\(name): nodes.conf and redis.conf cannot be written"
        case .start: "\(name) cannot be started"
        case .adopt(_, let process): "\(name): pid \(process.pid) cannot be taken over"
        case .signal(_, let process, let signal):
            "\(name): pid \(process.pid) cannot be sent SIG\(signal == .kill ? "KILL" : "TERM")"
        case .continueStopped(_, let process, _, _): "\(name): pid \(process.pid) cannot be sent SIGCONT"
        case .shutdown: "\(name) does not end"
        case .handOver: "\(name) cannot take over"
        case .promote(let promotion, _): "\(name) cannot take over from \(promotion.master)"
        case .rotateLog(let rotation): "\(rotation.path) cannot be moved aside"
        case .limitMemory: "the memory of \(name) cannot be limited"
        case .replicate: "\(name) cannot be made a replica"
        case .meet: "\(name) cannot be introduced to others"
        case .repairAppendOnly(let repair): "\(name): \(repair.file) cannot be cut"
        case .forget(_, _, let id): "\(name) does not forget \(id.short)"
        case .closeSlot(_, _, let slot, _): "\(name): slot \(slot) cannot be left as it is"
        case .writeManifest(let write): "\(name): \(write.file) cannot be written"
        case .addSlots(_, _, let slots, _): "\(name) does not take the slots \(slots)"
        case .configure(_, _, let directive, _): "\(name): \(directive) cannot be set"
        case .acceptPassword: "\(name) does not take the new password beside the old one"
        case .loadCertificates: "\(name) goes on with the certificates that it has"
        default: "\(name): \(kind) failed"
        }
    }
}
