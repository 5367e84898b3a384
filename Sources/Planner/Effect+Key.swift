import ClusterModel

/// Kind, target and incarnation. The driver does each key once; a failed one may be decided again and counts an attempt.
package struct EffectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }
    package static func < (a: EffectKey, b: EffectKey) -> Bool { a.text < b.text }
    package var description: String { text }
}

extension Effect {
    package var key: EffectKey {
        switch self {
        case .survey(let after): EffectKey("survey after \(after.nanoseconds)")
        case .reserve(let pairs, _): EffectKey("reserve " + pairs.map(\.description).joined(separator: " "))
        case .release(let pairs): EffectKey("release " + pairs.map(\.description).joined(separator: " "))
        case .makeDirectory(let node, let path): EffectKey("directory \(node) \(path)")
        case .quarantine(let q): EffectKey("quarantine \(q.node) \(q.folder) \(q.files.joined(separator: " "))")
        case .discardCopy(let folder): EffectKey("discard \(folder)")
        case .makeReserve(let folder): EffectKey("make-reserve \(folder)")
        case .releaseReserve(let folder): EffectKey("release-reserve \(folder)")
        case .preserve(let q): EffectKey("preserve \(q.node) \(q.folder)")
        case .writeFiles(let files): EffectKey("write \(files.node) #\(files.incarnation) \(files.digest)")
        case .start(let start): EffectKey("start \(start.node) #\(start.incarnation)")
        case .identify(let node, let contact):
            EffectKey("identify \(node) \(contact.process.pid)/\(contact.process.startTime)")
        case .adopt(let node, let process): EffectKey("adopt \(node) \(process.pid)/\(process.startTime)")
        case .inquire(let node, let process, _): EffectKey("inquire \(node) \(process.pid)/\(process.startTime)")
        case .ask(let node, let contact): EffectKey("ask \(node) \(contact.process.pid)")
        case .askSettings(let node, let contact, _): EffectKey("ask settings \(node) \(contact.process.pid)")
        case .inspect: EffectKey("inspect")
        case .measureLogs: EffectKey("measure logs")
        case .measureUsage: EffectKey("measure usage")
        case .limitMemory(let node, let process, let bytes):
            EffectKey("limit \(node) \(process.pid) \(bytes.map(String.init) ?? "none")")
        case .rotateLog(let rotation): EffectKey("rotate \(rotation.path)")
        case .signal(let node, let process, let signal): EffectKey("\(signal.rawValue) \(node) \(process.pid)")
        case .killHung(let node, let process, _): EffectKey("kill \(node) \(process.pid) hung")
        case .continueStopped(let node, let process, _, let attempt):
            EffectKey("\(Self.continuationPrefix(node, process))\(attempt)")
        case .shutdown(let node, let contact, let saving):
            EffectKey("shutdown \(node) \(contact.process.pid) \(saving.rawValue)")
        case .handOver(let node, let contact, let from):
            EffectKey("hand over \(node) \(contact.process.pid) \(from.master.short)/\(from.epoch)")
        case .promote(let promotion, let contact):
            EffectKey(
                "promote \(promotion.replica) \(contact.process.pid) \(promotion.masterID.short) #\(promotion.attempt)")
        case .replicate(let node, let contact, let master):
            EffectKey("replicate \(node) \(contact.process.pid) \(master.short)")
        case .meet(let node, let contact, let host, let ports):
            EffectKey("meet \(node) \(contact.process.pid) \(host) \(ports)")
        case .examine(let node, let process, let path):
            EffectKey("examine \(node) \(process.pid)/\(process.startTime) \(path)")
        case .repairAppendOnly(let repair):
            EffectKey("repair \(repair.member) \(repair.file) \(repair.goodBytes)/\(repair.bytes)")
        case .writeManifest(let write):
            EffectKey("manifest \(write.member) \(write.file) \(write.folder ?? "")")
        case .save(let node, let contact): EffectKey("save \(node) \(contact.process.pid)")
        case .unpause(let node, let contact, let since):
            EffectKey("unpause \(node) \(contact.process.pid) \(since.nanoseconds)")
        case .forget(let node, let contact, let id): EffectKey("forget \(node) \(contact.process.pid) \(id)")
        case .closeSlot(let node, let contact, let slot, _):
            EffectKey("close slot \(node) \(contact.process.pid) \(slot)")
        case .addSlots(let node, let contact, let slots, _):
            EffectKey("add slots \(node) \(contact.process.pid) \(slots)")
        case .loadCertificates(let node, let contact, _): EffectKey("certificates \(node) \(contact.process.pid)")
        case .acceptPassword(let node, let contact, let password):
            EffectKey("accept \(node) \(contact.process.pid) \(Fingerprint.of([password.utf8]))")
        case .configure(let node, let contact, let name, let value):
            EffectKey(
                "configure \(node) \(contact.process.pid) \(name) "
                    + (SettingValue.isSecret(name) ? Fingerprint.of([value.utf8]) : value))
        }
    }

    static func continuationPrefix(_ node: NodeName, _ process: ProcessIdentity) -> String {
        "continue \(node) \(process.pid)/\(process.startTime) #"
    }
}
