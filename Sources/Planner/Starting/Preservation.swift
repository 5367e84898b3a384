import ClusterModel

/// What could not be determined about a shard's data when its master started: a finding as long as the copies are kept.
package struct Doubt: Sendable, Equatable, Codable {
    package var at: WallTime
    package var kind: Kind
    package var words: String

    package enum Kind: String, Sendable, Codable { case undecided, missing, old }

    /// As long as the copies in quarantine.
    static let lasts = Turn.copiesLast
}

/// Invariant: last-copy. The engine drops a node's data when the node becomes a replica. Data that may include more than the new master's
/// are first linked into quarantine; and if it is unknown which of two copies is newer, the master keeps its role, and both are kept.
extension Turn {
    static let copiesLast = Duration.seconds(7 * 86400)

    /// Invariant: last-copy. nil: its master is known to hold everything that it has.
    func preservation(
        _ member: Member, _ facts: DirectoryFacts, _ planned: NodesFile, _ incarnation: Int
    ) -> Effect.Quarantine? {
        guard facts.content.holdsKeys, !member.joining, !isKept(member, facts), let after = planned.view.myself,
            // From a ghost no engine can copy anything.
            after.flags.contains(.replica), !after.followsGhost
        else { return nil }
        let candidate = after.masterID.flatMap { find(id: $0) }
        let name = candidate?.name.text ?? "another node"
        if let before = facts.parsed?.view.myself, before.flags.contains(.master), !before.slots.isEmpty {
            return copies(
                of: member, facts, incarnation,
                why: "\(member.name) was master and starts as replica of \(name), which may lack its last writes")
        }
        if let candidate, !isDoubted(member, candidate), followedToTheEnd(member, facts, candidate) { return nil }
        return copies(
            of: member, facts, incarnation,
            why: "\(member.name) starts as replica of \(name), which may lack some of its writes")
    }

    /// Whether this master was started although the member may have had more, and the member has not been seen since.
    private func isDoubted(_ member: Member, _ master: Member) -> Bool {
        guard let doubt = master.doubt, doubt.kind == .undecided else { return false }
        return member.lastSeen.map { $0.at <= doubt.at } ?? true
    }

    /// Whether its data came from this master, and the master still has all of them.
    private func followedToTheEnd(_ member: Member, _ facts: DirectoryFacts, _ master: Member) -> Bool {
        // Only its nodes.conf says what it was last.
        guard let before = facts.parsed?.view.myself, before.masterID == master.id else { return false }
        guard let last = member.lastSeen else { return true }
        // A host failure cut the ends of both files, each by what was not synced: the replica's may be the longer one.
        if last.bootID != seen.bootID, member.cleanStop == nil, last.appendOnlyBytes != nil,
            last.appendFsync != "always"
        {
            return false
        }
        var streams = master.streams ?? []
        if let report = freshReply(from: master) { streams.append(report.replication.replicationID) }
        return last.role == .replica && streams.contains(last.replicationID)
    }

    /// Whether the data in the folder were already kept when an earlier start was prepared.
    private func isKept(_ member: Member, _ facts: DirectoryFacts) -> Bool {
        facts.content.trouble == nil && member.keptFiles == Self.digest(facts.content.files)
    }

    private static func digest(_ files: [DataFile]) -> String {
        Fingerprint.of(
            files.sorted { $0.name < $1.name }.map { "\($0.name) \($0.size) \($0.modified.milliseconds)\n".utf8 })
    }

    /// Records that it was kept; true once that is done.
    mutating func keep(_ order: Effect.Quarantine) -> Progress {
        let progress = ensure(.preserve(order))
        // What was seen before the copies were made is in them.
        if case .done(let at) = progress, let survey = seen.survey, survey.askedAt <= at,
            let files = seen.directory(at: order.directory)?.content.files,
            let index = place(of: order.node)
        {
            set(\.keptFiles, Self.digest(files), at: index)
        }
        return progress
    }

    private func copies(
        of member: Member, _ facts: DirectoryFacts, _ incarnation: Int, why: String
    ) -> Effect.Quarantine {
        let loads = (appendOnlyAtStart(member, facts) ?? configuredAppendOnly(member)) ? "yes" : "no"
        return Effect.Quarantine(
            node: member.name, directory: facts.path, files: facts.content.fileNames,
            folder: KeptCopy.name(seen.beganWall, member.name, start: incarnation), note: why,
            reading: "\(seen.engine.name.rawValue)-server --port 0 --unixsocket /tmp/read/read.sock --dir /tmp/read "
                + "--appendonly \(loads)")
    }

    /// The master starts with what it has. What is missing, or may be newer elsewhere, is reported and kept.
    mutating func inPlace(
        _ master: Member, _ doubts: [(member: Member, why: String)], _ mine: Freshness, _ survey: Observation.Survey
    ) -> FailoverDecision {
        guard let index = place(of: master.name) else { return .inPlace }
        // The others have followed another stream than the one that this master continues.
        if !doubts.isEmpty || mine.durability < .wholeAppendOnly || mayHaveLostItsEnd(master, mine) {
            set(\.streams, nil, at: index)
        }
        if doubts.isEmpty, let words = ageOfDump(master, mine) {
            if master.doubt?.kind != .old {
                set(\.doubt, Doubt(at: seen.wall, kind: .old, words: words), at: index)
            }
        } else if let (kind, words) = doubt(master, doubts, mine, survey) {
            // A known doubt keeps its time.
            let known = Doubt(at: master.doubt?.at ?? seen.wall, kind: kind, words: words)
            if known != master.doubt {
                set(\.doubt, Doubt(at: seen.wall, kind: kind, words: words), at: index)
            }
            // A running replica drops its data as soon as it follows this master, without a start at which they would be kept.
            let dropping = doubts.map(\.member).filter { running($0.name) != nil }
            let death = lossNoticed(of: master)
            if kind == .undecided, dropping.map({ isOnDisk(memoryOf: $0, since: death, survey) }).contains(false) {
                wait(.copies(ofReplicasOf: master.name))
                return .waits
            }
            let areKept = (kind == .undecided ? [master] + dropping : []).map { member in
                guard let facts = survey.directories.first(where: { $0.path == member.directory }),
                    facts.content.holdsKeys
                else { return true }
                return keep(member, facts, words)
            }
            if areKept.contains(false) { return .waits }
        }
        return .inPlace
    }

    /// A host failure lost what the kernel had not synced of the file, and on a full disk the engine could not append what it had
    /// acknowledged. A replica that ended cleanly before that, or has a disk of its own, has all of it.
    private func mayHaveLostItsEnd(_ master: Member, _ mine: Freshness) -> Bool {
        guard let last = master.lastSeen, mine.durability < .cleanStop, last.appendFsync != "always" else {
            return false
        }
        return last.bootID != seen.bootID || disk(of: master.directory).map(spec.isLow) == true
    }

    private func doubt(
        _ master: Member, _ doubts: [(member: Member, why: String)], _ mine: Freshness, _ survey: Observation.Survey
    ) -> (Doubt.Kind, words: String)? {
        if !doubts.isEmpty {
            let others = doubts.map { "\($0.member.name) (\($0.why))" }.joined(separator: ", ")
            return (
                .undecided,
                "\(master.name) was started as master, and may lack data that other nodes of its shard had: \(others); the data of each "
                    + "are kept in quarantine/"
            )
        }
        if let facts = survey.directories.first(where: { $0.path == master.directory }),
            case .isUnknown(let keys) = dumpAfterAppendOnly(master, facts.content)
        {
            return (
                .undecided,
                "\(master.name) was started with its append-only file; the dump next to it is newer and held "
                    + "\(keys) key\(keys == 1 ? "" : "s"): both are kept in quarantine/"
            )
        }
        guard let last = master.lastSeen, last.holdsData else { return nil }
        switch mine.durability {
        case .nothing:
            return (
                .missing,
                "\(master.name) held \(last.amount) when it was last seen, and its folder held none of them when it was started"
            )
        case .cutAppendOnly where exited(master.name)?.reason.dataUnreadable != true:
            return (
                .missing,
                "\(master.name) was started with an append-only file that is shorter than when it was last seen"
            )
        default: return nil
        }
    }

    /// A shard that saves nothing still has a dump: the one that the last full synchronization left. Its engine loads it, with keys that
    /// were deleted long ago.
    private func ageOfDump(_ master: Member, _ mine: Freshness) -> String? {
        guard mine.durability == .dump, let last = master.lastSeen, last.appendOnlyBytes == nil, savesNothing(master),
            let saved = mine.coversUntil, saved + Freshness.granularity < last.at
        else { return nil }
        let age = Duration.milliseconds(last.at.milliseconds - saved.milliseconds).inWords
        return
            "\(master.name) is configured to save nothing, and starts with the dump that a synchronization left \(age) before it was "
            + "last seen: keys deleted since then are back, and writes since then are missing"
    }

    private func savesNothing(_ member: Member) -> Bool {
        guard !configuredAppendOnly(member) else { return false }
        let save = configuredSettings(member).first { $0.name == "save" }?.value
        return save.map { $0.isEmpty || $0 == "\"\"" } ?? false
    }

    /// True once it is done, or cannot be: starting a master destroys nothing in its own folder.
    private mutating func keep(_ member: Member, _ facts: DirectoryFacts, _ why: String) -> Bool {
        if isKept(member, facts) { return true }
        if isBusy(member.name) { return false }
        switch keep(copies(of: member, facts, seen.starts[member.name] ?? 0, why: why)) {
        case .underWay: return false
        case .done: return true
        case .failed: return running(member.name) == nil
        }
    }

    /// The other replicas of a shard drop their data when they follow a new master. A replica that has missed a part of the master's stream
    /// may have more than the new master; true once each is kept.
    mutating func keepsOthers(
        than candidate: Member, of master: Member, _ topology: Topology, _ survey: Observation.Survey
    ) -> Bool {
        var areKept = true
        for member in liveReplicas(of: master, topology)
        where member.id != candidate.id && fellBehind(member, master) {
            if !isOnDisk(memoryOf: member, since: lossNoticed(of: master), survey) {
                areKept = false
                continue
            }
            guard let facts = survey.directories.first(where: { $0.path == member.directory }),
                facts.content.holdsKeys
            else { continue }
            let why = "\(member.name) follows \(candidate.name) from now on, which may lack some of its writes"
            if !keep(member, facts, why) { areKept = false }
        }
        if !areKept { wait(.copies(ofReplicasOf: master.name)) }
        return areKept
    }

    mutating func reportDoubts() {
        for member in members {
            guard let doubt = member.doubt, let index = place(of: member.name) else { continue }
            if seen.wall > doubt.at + Doubt.lasts {
                set(\.doubt, nil, at: index)
                continue
            }
            switch doubt.kind {
            case .old:
                emit(
                    Finding(
                        .dataOld, .warning, node: member.name, doubt.words,
                        hint: "if its keys are no longer needed: redis-cli -p \(member.ports.client) FLUSHALL"))
            case .missing: emit(Finding(.dataMissing, .warning, node: member.name, doubt.words))
            case .undecided:
                let shard = decision.assessment.shards.first { $0.master == member.name }
                let areInSync = shard.map { !$0.replicas.isEmpty && $0.replicas == $0.replicasInSync } ?? false
                emit(
                    Finding(
                        .dataUndecided, .warning, node: member.name,
                        doubt.words + (areInSync ? "; its replicas have its data now" : ""),
                        hint: "ls \(ShellWord.quoted(spec.dataDirectory + "/quarantine"))"))
            }
        }
    }
}
