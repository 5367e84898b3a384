import ClusterModel

/// Kind, target and incarnation. The driver executes each key once; a failed one may be decided again and counts as an attempt.
package struct EffectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The name of the effect in logs, events and the simulator's reports.
    package enum Kind: String, Sendable {
        case acceptPassword = "accept"
        case addSlots = "add slots"
        case adopt
        case ask
        case askSettings = "ask settings"
        case closeSlot = "close slot"
        case configure
        case continueStopped = "continue"
        case discardCopy = "discard"
        case examine
        case forget
        case handOver = "hand over"
        case identify
        case inquire
        case inspect
        case kill
        case killHung = "kill hung"
        case limitMemory = "limit"
        case loadCertificates = "certificates"
        case makeDirectory = "directory"
        case makeReserve = "make-reserve"
        case measureLogs = "measure logs"
        case measureUsage = "measure usage"
        case meet
        case preserve
        case promote
        case quarantine
        case release
        case releaseReserve = "release-reserve"
        case repairAppendOnly = "repair"
        case replicate
        case reserve
        case rotateLog = "rotate"
        case save
        case shutdown
        case start
        case survey
        case takeOver = "take over"
        case terminate
        case unpause
        case writeFiles = "write"
        case writeManifest = "manifest"
    }

    package let kind: Kind
    package let node: NodeName?
    /// The process that the effect is meant for: another process with the same pid is another target.
    package let process: ProcessIdentity?
    /// The attempt number, where the same effect is ordered again as a new one.
    package let attempt: Int?
    /// What else distinguishes two orders of one kind; no code reads it.
    private let detail: String

    init(
        _ kind: Kind, _ node: NodeName? = nil, _ process: ProcessIdentity? = nil, attempt: Int? = nil,
        detail: String = ""
    ) {
        self.kind = kind
        self.node = node
        self.process = process
        self.attempt = attempt
        self.detail = detail
    }

    package static func < (a: EffectKey, b: EffectKey) -> Bool { a.description < b.description }

    package var description: String {
        let parts = [
            kind.rawValue, node?.text, process.map { String($0.pid) }, attempt.map { "#\($0)" },
            detail.isEmpty ? nil : detail,
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }
}

extension Effect {
    package var key: EffectKey {
        switch self {
        case .survey(let after): EffectKey(.survey, detail: "after \(after.nanoseconds)")
        case .reserve(let pairs, _): EffectKey(.reserve, detail: Self.words(pairs.map(\.description)))
        case .release(let pairs): EffectKey(.release, detail: Self.words(pairs.map(\.description)))
        case .makeDirectory(let node, let path): EffectKey(.makeDirectory, node, detail: path)
        case .quarantine(let q): EffectKey(.quarantine, q.node, detail: "\(q.folder) \(Self.words(q.files))")
        case .discardCopy(let folder): EffectKey(.discardCopy, detail: folder)
        case .makeReserve(let folder): EffectKey(.makeReserve, detail: folder)
        case .releaseReserve(let folder): EffectKey(.releaseReserve, detail: folder)
        case .preserve(let q): EffectKey(.preserve, q.node, detail: q.folder)
        case .writeFiles(let files):
            EffectKey(.writeFiles, files.node, attempt: files.incarnation, detail: files.digest)
        case .start(let start): EffectKey(.start, start.node, attempt: start.incarnation)
        case .identify(let node, let contact): EffectKey(.identify, node, contact.process)
        case .adopt(let node, let process): EffectKey(.adopt, node, process)
        case .inquire(let node, let process, _): EffectKey(.inquire, node, process)
        case .ask(let node, let contact): EffectKey(.ask, node, contact.process)
        case .askSettings(let node, let contact, _): EffectKey(.askSettings, node, contact.process)
        case .inspect: EffectKey(.inspect)
        case .measureLogs: EffectKey(.measureLogs)
        case .measureUsage: EffectKey(.measureUsage)
        case .limitMemory(let node, let process, let bytes):
            EffectKey(.limitMemory, node, process, detail: bytes.map(String.init) ?? "none")
        case .rotateLog(let rotation): EffectKey(.rotateLog, detail: rotation.path)
        case .signal(let node, let process, .terminate): EffectKey(.terminate, node, process)
        case .signal(let node, let process, .kill): EffectKey(.kill, node, process)
        case .killHung(let node, let process, _): EffectKey(.killHung, node, process)
        case .continueStopped(let node, let process, _, let attempt):
            EffectKey(.continueStopped, node, process, attempt: attempt)
        case .shutdown(let node, let contact, let saving):
            EffectKey(.shutdown, node, contact.process, detail: saving.rawValue)
        case .handOver(let node, let contact, let from):
            EffectKey(.handOver, node, contact.process, detail: "\(from.master.short)/\(from.epoch)")
        case .promote(let promotion, let contact):
            EffectKey(
                .promote, promotion.replica, contact.process, attempt: promotion.attempt,
                detail: promotion.masterID.short)
        case .replicate(let node, let contact, let master):
            EffectKey(.replicate, node, contact.process, detail: master.short)
        case .meet(let node, let contact, let host, let ports):
            EffectKey(.meet, node, contact.process, detail: "\(host) \(ports)")
        case .examine(let node, let process, let path): EffectKey(.examine, node, process, detail: path)
        case .repairAppendOnly(let repair):
            EffectKey(.repairAppendOnly, repair.member, detail: "\(repair.file) \(repair.goodBytes)/\(repair.bytes)")
        case .writeManifest(let write):
            EffectKey(.writeManifest, write.member, detail: "\(write.file) \(write.folder ?? "")")
        case .save(let node, let contact): EffectKey(.save, node, contact.process)
        case .unpause(let node, let contact, let since):
            EffectKey(.unpause, node, contact.process, detail: String(since.nanoseconds))
        case .forget(let node, let contact, let ids):
            EffectKey(.forget, node, contact.process, detail: Self.words(ids.map(\.text)))
        case .takeOver(let node, let contact): EffectKey(.takeOver, node, contact.process)
        case .closeSlot(let node, let contact, let slot, _):
            EffectKey(.closeSlot, node, contact.process, detail: String(slot))
        case .addSlots(let node, let contact, let slots, _):
            EffectKey(.addSlots, node, contact.process, detail: "\(slots)")
        case .loadCertificates(let node, let contact, _): EffectKey(.loadCertificates, node, contact.process)
        case .acceptPassword(let node, let contact, let password):
            EffectKey(.acceptPassword, node, contact.process, detail: Fingerprint.of([password.utf8]))
        case .configure(let node, let contact, let name, let value):
            EffectKey(
                .configure, node, contact.process,
                detail: "\(name) \(SettingValue.isSecret(name) ? Fingerprint.of([value.utf8]) : value)")
        }
    }

    private static func words(_ words: [String]) -> String { words.joined(separator: " ") }
}

extension Observation {
    /// What was done of this kind to this node, by key.
    package func effects(_ kind: EffectKey.Kind, of node: NodeName) -> [EffectKey: EffectHistory] {
        effects.filter { $0.key.kind == kind && $0.key.node == node }
    }

    package func isUnderWay(_ kind: EffectKey.Kind, of node: NodeName? = nil) -> Bool {
        effects.contains { $0.value.isUnderWay && $0.key.kind == kind && (node == nil || $0.key.node == node) }
    }

    /// Whether this process ended because this daemon ordered it to.
    package func wasAsked(_ node: NodeName, _ process: ProcessIdentity, _ reason: ExitReason) -> Bool {
        func isOrdered(_ kind: EffectKey.Kind) -> Bool {
            effects(kind, of: node).contains { $0.key.process == process && $0.value.failure == nil }
        }
        return switch reason.kind {
        case .killed: isOrdered(.kill)
        // The exit status of a process that another daemon started is not available.
        case .clean, .unknown: isOrdered(.shutdown) || isOrdered(.terminate) || isOrdered(.kill)
        default: false
        }
    }
}
