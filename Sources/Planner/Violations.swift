import ClusterModel

/// The rules of docs/invariants.md as far as one decision can break them. Every turn of the simulator and every decision of a planner test
/// is checked against them; in words, so that a failing seed says what was about to happen.
///
/// Invariants: last-copy, unknown-is-data, idle-folder, confirmed-repair, one-engine, proven-death, no-unrequested-stop,
/// no-late-continue, one-writer, no-late-order, start-or-promote, lossless-switchover, no-early-owner, epoch-room,
/// record-first.
package func violations(in decision: Decision, given record: Record?, seeing seen: Observation) -> [String] {
    var found: [String] = []
    var touched = Set<NodeName>()
    var shards = Set<NodeID>()
    for effect in decision.effects {
        if case .ask = effect { continue }
        if let node = effect.node, !touched.insert(node).inserted { found.append("two effects at once on \(node)") }
        switch effect {
        case .writeFiles(let files):
            if !changesPasswordsOnly(files, record, seen) {
                found += intrusion(files.node, files.directory, "its files are written", seen)
            }
        case .quarantine(let move):
            found += intrusion(move.node, move.directory, "files are moved", seen)
            if !isAccepted(move, decision) { found += loss(move, record, seen) }
        case .repairAppendOnly(let repair):
            found += intrusion(repair.member, repair.directory, "its append-only file is cut", seen)
            if decision.record?.operations.contains(where: { $0.repairs(repair.member) }) != true {
                found.append("\(repair.file) of \(repair.member) is cut without a confirmed repair")
            }
        case .writeManifest(let write):
            found += intrusion(write.member, write.directory, "its manifest is written", seen)
            if decision.record?.operations.contains(where: { $0.repairs(write.member) }) != true {
                found.append("\(write.file) of \(write.member) is written without a confirmed repair")
            }
        case .start(let start):
            found += intrusion(start.node, start.directory, "a second is started", seen)
            found += unready(start, decision) + unproven(start.node, "is started", record, seen)
        case .discardCopy(let folder):
            if KeptCopy(folder: folder, at: seen.wall, bytes: 0) == nil {
                found.append("\(folder) is removed although it is not a copy")
            }
        case .pruneBackups(let place, let keep):
            if decision.record?.operations.contains(where: { $0.prunes(place, keep: keep) }) != true {
                found.append("backups in \(place.directory) are deleted without a request")
            }
        case .promote(let promotion, _):
            if case .running = seen.processes[promotion.master], seen.vitals[promotion.master]?.dyingSince == nil {
                found.append("\(promotion.replica) is promoted while \(promotion.master) runs")
            }
            found += unproven(promotion.master, "is replaced by \(promotion.replica)", record, seen)
            if seen.isUnderWay(.start, of: promotion.master) {
                found.append("\(promotion.replica) is promoted while \(promotion.master) is being started")
            }
            if let directory = record?.member(promotion.replica)?.directory,
                seen.disks.contains(where: { $0.folders.contains(directory) && $0.free < 1 << 20 })
            {
                found.append("\(promotion.replica) is promoted on a full disk")
            }
            if !shards.insert(promotion.masterID).inserted { found.append("two promotions for \(promotion.master)") }
            if record?.promotions.contains(where: { $0.masterID == promotion.masterID && mayHappen($0, seen) }) == true
            {
                found.append("a promotion for \(promotion.master) is ordered while another may still take effect")
            }
        case .takeOver(let birth, _):
            let member = record?.member(birth.replica)
            let master = member.flatMap { seen.report($0.name)?.view.myself?.masterID }
            if record?.stage != .formed || member == nil || master != member?.id.ghost || birth.masterID != master {
                found.append("\(birth.replica) takes over although it follows no ghost")
            }
        case .killHung(let node, _, _): found += unjust(node, decision, record, seen)
        case .continueStopped(let node, let process, _, _):
            if let candidate = heirInLiveViews(node, record, seen) {
                found.append("\(node) (\(process)) is continued after \(candidate.short) has taken over from it")
            }
        case .signal(let node, _, .kill):
            guard case .stop = seen.intent else {
                let isAsked = decision.record?.operations.contains { $0.ends(node) } == true
                let mayBeMaster = decision.record?.promotions.contains {
                    $0.replica == node && !$0.isObeyed(at: seen.wall)
                }
                if !isAsked, mayBeMaster != true {
                    found.append("\(node) is killed without a request")
                }
                continue
            }
        case .migrateSlots(let migration, _, _): found += unrequested(migration, decision, seen)
        case .returnKeys(let migration, _, _): found += unconfirmed(migration, decision)
        case .shutdown(let node, _, _):
            if case .run = seen.intent { found += unasked(node, effect, decision, seen) }
        default: break
        }
    }
    return found
}

/// Invariant: no-unrequested-stop. No node is stopped without a request; and unless the request accepts it, no master of slots and no
/// second node of a shard.
private func unasked(_ node: NodeName, _ shutdown: Effect, _ decision: Decision, _ seen: Observation) -> [String] {
    // Checked when the order is given, whatever happens to other nodes afterwards.
    let isSaid = !seen.effects(.shutdown, of: node).isEmpty
    guard let record = decision.record, let member = record.member(node), !isSaid else { return [] }
    let asked = record.operations.filter { $0.ends(node) }
    if asked.isEmpty { return ["\(node) is stopped without a request"] }
    if asked.contains(where: { $0.accepts(node) }) { return [] }
    var found: [String] = []
    if decision.assessment.node(node)?.slots.isEmpty == false {
        found.append("\(node) is stopped while it owns slots")
    }
    for sibling in record.members where sibling.shard == member.shard && sibling.name != node {
        if case .running = seen.processes[sibling.name] { continue }
        found.append("\(node) is stopped while \(sibling.name) of its shard is down")
    }
    return found
}

/// Invariant: no-unrequested-stop. A node is killed without a request only if it hangs: alone, observed for long enough, and with a reason
/// that is in the record.
private func unjust(
    _ node: NodeName, _ decision: Decision, _ before: Record?, _ seen: Observation
) -> [String] {
    guard case .running(let process) = seen.processes[node],
        let kill = decision.record?.kills.first(where: { $0.process == process.identity })
    else { return ["\(node) is killed without a request"] }
    var found: [String] = []
    let vitals = seen.vitals[node]
    if vitals?.of != process.identity || vitals?.silentSince == nil {
        found.append("\(node) is killed although it answers")
    }
    if vitals?.stoppedSince == nil, vitals?.stillSince == nil { found.append("\(node) is killed while it works") }
    if vitals?.stoppedSince != nil, heirInLiveViews(node, before, seen) != nil { return found }
    let others = before?.kills.filter { $0.shard == kill.shard && $0.process != kill.process } ?? []
    if others.contains(where: { $0.process.bootID == seen.bootID && kill.at - $0.at < .seconds(600) }) {
        found.append("\(node) is killed within ten minutes of another node of its shard")
    }
    let shard = decision.record?.members.filter { $0.shard == kill.shard && $0.name != node } ?? []
    if !shard.contains(where: { seen.report($0.name) != nil || seen.replies[$0.name]?.isLife == true }) {
        found.append("\(node) is killed while no other node of its shard answers")
    }
    return found
}

/// Invariant: no-late-continue. The node that owns, by its own report, what this one owned when it was last seen as a master.
private func heirInLiveViews(_ node: NodeName, _ record: Record?, _ seen: Observation) -> NodeID? {
    guard let member = record?.member(node), member.lastSeen?.role == .master else { return nil }
    let views = record?.members.filter { $0.shard == member.shard && $0.name != node }.compactMap {
        seen.report($0.name)
    }
    return views?.compactMap(\.view.myself).first { myself in
        guard myself.flags.contains(.master), !myself.slots.isEmpty else { return false }
        return views?.contains { $0.view.entry(member.id)?.slots.isEmpty == false } != true
    }?.id
}

/// Invariants: one-writer, no-late-order. An earlier promotion may still take effect until its deadline, which the script itself checks,
/// has passed, or until the replica has reported after it.
private func mayHappen(_ promotion: Effect.Promotion, _ seen: Observation) -> Bool {
    guard promotion.isObeyed(at: seen.wall) else { return false }
    let history = seen.effects(.promote, of: promotion.replica).first { $0.key.attempt == promotion.attempt }
    return history?.value.ended == nil
}

/// Invariants: idle-folder, one-engine. Nothing is changed in a directory that a process uses.
private func intrusion(_ node: NodeName, _ directory: String, _ what: String, _ seen: Observation) -> [String] {
    if case .running(let process) = seen.processes[node] {
        return ["\(what) for \(node) while its process \(process.identity.pid) runs"]
    }
    if case .exited(let exit) = seen.processes[node], let survey = seen.survey, survey.askedAt < exit.at {
        return ["\(what) for \(node) on what was seen before its process ended"]
    }
    return []
}

/// An engine reads its redis.conf when it starts; the facts about its start must not be lost while it runs.
private func changesPasswordsOnly(_ files: Effect.NodeFilesToWrite, _ record: Record?, _ seen: Observation) -> Bool {
    guard files.nodesFile == nil, let member = record?.member(files.node), let before = seen.redisConf(of: member)
    else { return false }
    func others(_ file: RedisConfFacts) -> [RedisConfFile.Directive] {
        file.directives.filter { !NodeLogin.directives.contains($0.name) }
    }
    let after = RedisConfFacts(fileName: before.fileName, files.redisConf)
    return others(after).map { [$0.name] + $0.arguments } == others(before).map { [$0.name] + $0.arguments }
}

/// Invariant: proven-death. Checked without the function that concludes death: a process of this boot that the record names was seen gone.
private func unproven(_ node: NodeName, _ what: String, _ record: Record?, _ seen: Observation) -> [String] {
    guard seen.processes[node] == nil, let process = record?.member(node)?.process, process.bootID == seen.bootID,
        seen.survey?.recorded[process] != .gone
    else { return [] }
    return ["\(node) \(what) although \(process) of its record was not seen to be gone"]
}

/// Invariant: confirmed-repair. The operator was told which keys are there, and confirmed that they go to quarantine.
private func isAccepted(_ move: Effect.Quarantine, _ decision: Decision) -> Bool {
    decision.record?.operations.contains { operation in
        guard operation.state == .running else { return false }
        switch operation.kind {
        case .fix(let fix):
            if case .setAside(let asked)? = fix.remaining.first { return asked.quarantine == move }
            return false
        // The operator removes this node, which no other node knows any more.
        case .change(let change):
            if case .remove(let leaver)? = change.parts.first { return leaver.isForgotten && leaver.node == move.node }
            return false
        default: return false
        }
    } ?? false
}

/// Invariants: last-copy, unknown-is-data. A file that may hold keys stays where it is.
private func loss(_ move: Effect.Quarantine, _ record: Record?, _ seen: Observation) -> [String] {
    guard let facts = seen.directory(at: move.directory), facts.content.holdsKeys else { return [] }
    if isCovered(move.node, record, seen) { return [] }
    return move.files.filter(facts.content.fileNames.contains).map {
        "\($0) of \(move.node) holds keys and is moved away"
    }
}

/// Its engine ended because it could not load these files, or would overwrite them because the manifest is missing, and a master of its
/// shard has answered that it owns slots.
private func isCovered(_ node: NodeName, _ record: Record?, _ seen: Observation) -> Bool {
    guard let member = record?.member(node) else { return false }
    let shard = member.shard
    let isUnreadable =
        if case .exited(let exit) = seen.processes[node] { exit.reason.dataUnreadable } else { false }
    guard isUnreadable || seen.directory(at: member.directory)?.content.appendOnly?.lacksManifest == true
    else { return false }
    return record?.members.contains { member in
        guard member.shard == shard, member.name != node, let report = seen.report(member.name) else { return false }
        return report.replication.role == .master && report.view.myself?.slots.isEmpty == false && !report.loading
    } ?? false
}

/// Invariant: record-first. A process starts only once the record says `formed`, and in the recorded folder.
private func unready(_ start: Effect.StartRequest, _ decision: Decision) -> [String] {
    guard let record = decision.record, let member = record.member(start.node) else {
        return ["\(start.node) is started although it is not in the record"]
    }
    var found: [String] = []
    if record.stage != .formed { found.append("\(start.node) is started before the record says formed") }
    if member.directory != start.directory { found.append("\(start.node) is started in \(start.directory)") }
    return found
}
