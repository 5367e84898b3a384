import ClusterModel

extension Effect {
    /// What the rest of clusterd has to know about an effect without knowing the effect: one row of the table below.
    package struct Attributes: Sendable, Equatable {
        package let kind: EffectKey.Kind
        /// The node that the effect is about; nil for effects on the host.
        package let node: NodeName?
        /// The process that it is meant for; nil: none, or whichever runs.
        package let process: ProcessIdentity?
        /// The attempt number, where the same effect is ordered again as a new one.
        package let attempt: Int?
        package let record: RecordOrder
        /// The node continues as before: its earlier answers stay valid, and no other effect on it has to wait for this one.
        package let leavesNodeAsIs: Bool
        /// Role facts that were asked for earlier are obsolete after this effect.
        package let changesRoles: Bool
        /// Its failure, and for some effects its start or its end, is an event (`EffectEvents`). Queries and inspections are not events,
        /// whatever their outcome.
        package let isTold: Bool

        fileprivate init(
            _ kind: EffectKey.Kind, _ node: NodeName? = nil, _ process: ProcessIdentity? = nil, attempt: Int? = nil,
            record: RecordOrder = .after, leavesNodeAsIs: Bool = false, changesRoles: Bool = false, isTold: Bool = true
        ) {
            self.kind = kind
            self.node = node
            self.process = process
            self.attempt = attempt
            self.record = record
            self.leavesNodeAsIs = leavesNodeAsIs
            self.changesRoles = changesRoles
            self.isTold = isTold
        }
    }

    /// Invariant: record-first. When an effect may begin, relative to the write of the record that it was decided with, and whether it
    /// may begin if that record cannot be written, as on a full disk.
    package enum RecordOrder: Sendable, Equatable {
        /// Before it is written: queries, and effects whose outcome queries show. A promotion is among these because its deadline ends it
        /// even if no daemon remembers it (docs/decisions/09-promotion-deadline.md).
        case before
        /// After it was written or could not be written.
        case after
        /// If it cannot be written, only on a node that the record on disk has with its folder and ports.
        case ifPlaceIsWritten
        /// Only if it was written: the effect assigns ids or ports, or data may end up where the record does not know of it.
        case ifWritten
    }

    /// The table of all effects.
    package var attributes: Attributes {
        switch self {
        case .survey: Attributes(.survey, record: .before, isTold: false)
        case .reserve: Attributes(.reserve, record: .before, isTold: false)
        case .release: Attributes(.release, isTold: false)
        case .makeDirectory(let node, _): Attributes(.makeDirectory, node, record: .ifWritten)
        case .quarantine(let move): Attributes(.quarantine, move.node, record: .ifWritten)
        // At worst, the same data are copied twice.
        case .preserve(let copies): Attributes(.preserve, copies.node, record: .ifPlaceIsWritten)
        case .discardCopy: Attributes(.discardCopy)
        case .makeReserve: Attributes(.makeReserve)
        // It makes room for the record.
        case .releaseReserve: Attributes(.releaseReserve, record: .before)
        case .writeFiles(let files):
            Attributes(.writeFiles, files.node, attempt: files.incarnation, record: .ifPlaceIsWritten)
        case .start(let start): Attributes(.start, start.node, attempt: start.incarnation, record: .ifPlaceIsWritten)
        // The process may not belong to this node.
        case .identify(let node, let contact):
            Attributes(.identify, node, contact.process, record: .before, leavesNodeAsIs: true, isTold: false)
        case .adopt(let node, let process): Attributes(.adopt, node, process, record: .before)
        case .ask(let node, let contact): Attributes(.ask, node, contact.process, record: .before, isTold: false)
        case .askSettings(let node, let contact, _):
            Attributes(.askSettings, node, contact.process, leavesNodeAsIs: true, isTold: false)
        case .inspect: Attributes(.inspect, isTold: false)
        case .inquire(let node, let process, _):
            Attributes(.inquire, node, process, leavesNodeAsIs: true, isTold: false)
        case .signal(let node, let process, .terminate): Attributes(.terminate, node, process)
        case .signal(let node, let process, .kill): Attributes(.kill, node, process)
        case .killHung(let node, let process, _): Attributes(.killHung, node, process)
        case .continueStopped(let node, let process, _, let attempt):
            Attributes(.continueStopped, node, process, attempt: attempt)
        case .shutdown(let node, let contact, _): Attributes(.shutdown, node, contact.process)
        case .handOver(let node, let contact, _):
            Attributes(.handOver, node, contact.process, changesRoles: true)
        case .promote(let promotion, let contact):
            Attributes(
                .promote, promotion.replica, contact.process, attempt: promotion.attempt, record: .before,
                changesRoles: true)
        case .takeOver(let birth, let contact):
            Attributes(.takeOver, birth.replica, contact.process, changesRoles: true)
        case .replicate(let node, let contact, _):
            Attributes(.replicate, node, contact.process, record: .ifWritten, changesRoles: true)
        case .meet(let node, let contact, _, _):
            Attributes(.meet, node, contact.process, record: .ifWritten, changesRoles: true)
        case .announce(let node, let contact, _, _):
            Attributes(.announce, node, contact.process, leavesNodeAsIs: true, isTold: false)
        case .measureLogs: Attributes(.measureLogs, isTold: false)
        case .measureUsage: Attributes(.measureUsage, isTold: false)
        case .limitMemory(let node, let process, _): Attributes(.limitMemory, node, process, leavesNodeAsIs: true)
        case .rotateLog: Attributes(.rotateLog)
        case .examine(let node, let process, _):
            Attributes(.examine, node, process, leavesNodeAsIs: true, isTold: false)
        case .repairAppendOnly(let repair): Attributes(.repairAppendOnly, repair.member, record: .ifWritten)
        case .writeManifest(let write): Attributes(.writeManifest, write.member, record: .ifWritten)
        case .forget(let node, let contact, _): Attributes(.forget, node, contact.process)
        case .closeSlot(let node, let contact, _, _): Attributes(.closeSlot, node, contact.process)
        case .addSlots(let node, let contact, _, _):
            Attributes(.addSlots, node, contact.process, changesRoles: true)
        case .migrateSlots(let migration, let contact, _):
            Attributes(.migrateSlots, migration.source, contact.process, record: .ifWritten, changesRoles: true)
        case .returnKeys(let migration, let contact, _):
            Attributes(.returnKeys, migration.source, contact.process, record: .ifWritten)
        case .countKeys(let node, let contact, _):
            Attributes(.countKeys, node, contact.process, record: .before, leavesNodeAsIs: true, isTold: false)
        case .save(let node, let contact): Attributes(.save, node, contact.process)
        case .unpause(let node, let contact, _): Attributes(.unpause, node, contact.process)
        case .loadCertificates(let node, let contact, _): Attributes(.loadCertificates, node, contact.process)
        case .acceptPassword(let node, let contact, _): Attributes(.acceptPassword, node, contact.process)
        case .configure(let node, let contact, _, _): Attributes(.configure, node, contact.process)
        // The failure of a backup is an event of its operation.
        case .prepareBackup: Attributes(.prepareBackup, record: .ifWritten, isTold: false)
        case .openDump(let node, _):
            Attributes(.openDump, node, record: .before, leavesNodeAsIs: true, isTold: false)
        case .copyDump(let node, _):
            Attributes(.copyDump, node, record: .ifWritten, leavesNodeAsIs: true, isTold: false)
        case .finishBackup: Attributes(.finishBackup, record: .ifWritten, isTold: false)
        case .discardBackup: Attributes(.discardBackup, isTold: false)
        case .pruneBackups: Attributes(.pruneBackups, record: .ifWritten, isTold: false)
        }
    }

    /// What else distinguishes two orders of one kind to one process; empty: nothing. No password: use `Fingerprint`. Not in the table,
    /// because some are costly, and only a key needs them.
    private var detail: String {
        switch self {
        case .survey(let after): "after \(after.nanoseconds)"
        case .reserve(let pairs, _), .release(let pairs): Self.words(pairs.map(\.description))
        case .makeDirectory(_, let path), .examine(_, _, let path): path
        case .quarantine(let move): "\(move.folder) \(Self.words(move.files))"
        case .preserve(let copies): copies.folder
        case .discardCopy(let folder), .makeReserve(let folder), .releaseReserve(let folder): folder
        case .writeFiles(let files): files.digest
        case .limitMemory(_, _, let bytes): bytes.map(String.init) ?? "none"
        case .rotateLog(let rotation): rotation.path
        case .shutdown(_, _, let saving): saving.rawValue
        case .handOver(_, _, let from): "\(from.master.short)/\(from.epoch)"
        case .promote(let promotion, _): promotion.masterID.short
        case .replicate(_, _, let master): master.short
        case .meet(_, _, let host, let ports): "\(host) \(ports)"
        case .repairAppendOnly(let repair): "\(repair.file) \(repair.goodBytes)/\(repair.bytes)"
        case .writeManifest(let write): "\(write.file) \(write.folder ?? "")"
        case .unpause(_, _, let since): String(since.nanoseconds)
        case .forget(_, _, let ids): Self.words(ids.map(\.text))
        case .closeSlot(_, _, let slot, _): String(slot)
        case .addSlots(_, _, let slots, _), .countKeys(_, _, let slots): "\(slots)"
        case .migrateSlots(let migration, _, _), .returnKeys(let migration, _, _):
            "\(migration.targetID.short) \(migration.slots) \(migration.way) \(migration.isEnding)"
        case .acceptPassword(_, _, let password): Fingerprint.of([password.utf8])
        case .configure(_, _, let name, let value):
            "\(name) \(SettingValue.isSecret(name) ? Fingerprint.of([value.utf8]) : value)"
        case .prepareBackup(let order): order.place.path
        case .openDump(_, let order), .copyDump(_, let order): "\(order.place.path)/\(order.file)"
        case .finishBackup(let contents): contents.place.path
        case .discardBackup(let place), .pruneBackups(let place, _): place.path
        case .start, .identify, .adopt, .ask, .askSettings, .inspect, .inquire, .signal, .killHung, .continueStopped,
            .measureLogs, .measureUsage, .save, .loadCertificates, .takeOver,
            .announce:
            ""
        }
    }

    private static func words(_ words: [String]) -> String { words.joined(separator: " ") }

    package var key: EffectKey {
        let attributes = self.attributes
        return EffectKey(
            attributes.kind, attributes.node, attributes.process, attempt: attributes.attempt, detail: detail)
    }

    /// The node whose earlier answers are obsolete after this effect, and which gets no other effect in the meantime; nil: none. For the
    /// question `ask`, neither holds.
    package var node: NodeName? {
        let attributes = self.attributes
        return attributes.leavesNodeAsIs ? nil : attributes.node
    }
}

extension EffectKey {
    /// The name of the effect in logs, events and the simulator's reports.
    package enum Kind: String, Sendable {
        case acceptPassword = "accept"
        case addSlots = "add slots"
        case adopt
        case announce
        case ask
        case askSettings = "ask settings"
        case closeSlot = "close slot"
        case configure
        case continueStopped = "continue"
        case copyDump = "copy dump"
        case countKeys = "count keys"
        case discardBackup = "discard backup"
        case discardCopy = "discard"
        case examine
        case finishBackup = "finish backup"
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
        case openDump = "open dump"
        case prepareBackup = "prepare backup"
        case migrateSlots = "migrate slots"
        case preserve
        case promote
        case pruneBackups = "prune backups"
        case quarantine
        case release
        case releaseReserve = "release-reserve"
        case repairAppendOnly = "repair"
        case replicate
        case reserve
        case returnKeys = "return keys"
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
}
