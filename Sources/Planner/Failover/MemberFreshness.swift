import ClusterModel

/// What is known about a member's data: from its own report if it runs, otherwise from its folder and from what was last seen of it
/// (invariant: no-older-master).
extension Turn {
    func freshness(of member: Member, _ survey: Observation.Survey) -> Freshness {
        var freshness = onDisk(member, survey)
        guard let report = freshReply(from: member) else { return inMemory(member) ?? freshness }
        guard !report.loading else { return freshness }
        if report.replication.role == .replica {
            return following(member, report) ?? unfollowing(member, report, freshness)
        }
        freshness.durability = .running
        freshness.endsAt = nil
        freshness.reached = .init(replicationID: report.replication.replicationID, offset: report.replication.offset)
        freshness.endsThere = true
        return freshness
    }

    /// A replica that is or was in sync since its start: what it then held in memory; nil: it was not.
    private func following(_ member: Member, _ report: NodeReport) -> Freshness? {
        guard let row = seen.lastInSync[member.name] else { return nil }
        var freshness = Freshness(.running)
        freshness.seenAt = member.lastSeen?.at
        let replication = report.replication
        if replication.replicationID == row.replicationID, replication.offset >= row.offset {
            freshness.reached = .init(replicationID: replication.replicationID, offset: replication.offset)
            freshness.endsThere = true
        } else {
            // It has lost its offset, and keeps its data until its master's data have arrived.
            freshness.reached = .init(replicationID: row.replicationID, offset: row.offset)
        }
        let master = report.view.myself?.masterID.flatMap { find(id: $0) }
        let served = master.flatMap { seen.lastServed[$0.name] }
        // A copy that was complete only after its master had ended is as old as the beginning of its synchronization.
        if served.map({ row.since <= $0 }) ?? true { freshness.coversUntil = wall(row.until) }
        if let lost = row.lostAt, let served, lost <= served { freshness.endsAt = wall(lost) }
        return freshness
    }

    /// A replica that this clusterd has not seen in sync: it reports that its link was up before, or it holds what its folder held.
    private func unfollowing(_ member: Member, _ report: NodeReport, _ onDisk: Freshness) -> Freshness {
        var freshness = onDisk
        if running(member.name)?.adopted == true, report.replication.offset > 1, report.load.holdsData {
            freshness.durability = .running
            freshness.endsAt = nil
            freshness.reached = .init(
                replicationID: report.replication.replicationID, offset: report.replication.offset)
            freshness.endsThere = true
            freshness.coversUntil = linkEnd(member, report).map { $0 + (.zero - Self.linkGranularity) }
            return freshness
        }
        if freshness.durability == .nothing, report.load.holdsData { freshness.durability = .dump }
        return freshness
    }

    private func wall(_ moment: Moment) -> WallTime { seen.wall + (.zero - (now - moment)) }

    /// A process that does not answer because it is stopped or busy: what it held when it last answered, and possibly more. Its files may
    /// be far behind that, or not exist; nil: this process never answered, or held nothing.
    private func inMemory(_ member: Member) -> Freshness? {
        // By the clock as it was, or as it is: whichever way it was set, what may be in memory counts.
        guard let process = running(member.name), let last = member.lastSeen, last.holdsData,
            last.at >= min(process.startedAt, wall(process.since))
        else { return nil }
        var freshness = Freshness(.running)
        freshness.reached = last.position
        freshness.coversUntil = last.isComparable(at: seen.wall) ? last.syncedAt : nil
        freshness.seenAt = last.at
        return freshness
    }

    /// Whether a process that does not answer may have data in its memory: it had data when this daemon last heard it, or an earlier daemon
    /// may have heard what this one has not, and the record about it is seconds old.
    func mayHoldUnseen(_ member: Member) -> Bool {
        guard let process = running(member.name) else { return false }
        if lastReply(member)?.isLoading == true { return false }
        if inMemory(member) != nil { return true }
        let wasHeard = seen.lastHeard[member.name].map { $0 >= process.since } ?? false
        return process.adopted && !wasHeard
    }

    private func onDisk(_ member: Member, _ survey: Observation.Survey) -> Freshness {
        var freshness = inFiles(member, survey)
        if let last = member.lastSeen, !last.isComparable(at: seen.wall) {
            (freshness.coversUntil, freshness.endsAt) = (nil, nil)
        }
        return freshness
    }

    private func inFiles(_ member: Member, _ survey: Observation.Survey) -> Freshness {
        guard let facts = survey.directories.first(where: { $0.path == member.directory }), facts.content.holdsKeys
        else { return Freshness(.nothing) }
        let content = facts.content
        if let files = content.appendOnly, loadsAppendOnlyFile(member, facts) {
            return appendOnly(member, files)
        }
        guard let dump = content.dumps.first else {
            // There is nothing that the engine would load; what cannot be read may be anything.
            return Freshness(content.trouble == nil ? .nothing : .dump)
        }
        return self.dump(member, dump)
    }

    private func loadsAppendOnlyFile(_ member: Member, _ facts: DirectoryFacts) -> Bool {
        appendOnlyAtStart(member, facts) ?? configuredAppendOnly(member)
    }

    private func appendOnly(_ member: Member, _ files: AppendOnlyFiles) -> Freshness {
        guard files.trouble != nil || files.files.contains(where: { $0.evidence.holdsKeys }) else {
            return Freshness(.nothing)
        }
        let last = member.lastSeen
        let isCut =
            files.trouble != nil || isUnreadable(member, .badAppendOnlyFile) || isShortened(files, since: last)
            || isUnwritten(member)
        var freshness = Freshness(isCut ? .cutAppendOnly : .wholeAppendOnly)
        freshness.seenAt = last?.at
        let written = files.files.filter { $0.size > 0 }
        freshness.writtenAt = written.map(\.modified).max()
        freshness.appendedAt = written.filter { $0.name.hasSuffix(".incr.aof") }.map(\.modified).max()
        guard !isCut else { return freshness }
        // What it reported last is in the file: the engine appends before a client gets its answer.
        freshness.reached = lastStream(of: member)?.position ?? last?.position
        freshness.coversUntil = last.flatMap { last in last.syncedAt.map { $0 + (.zero - unsynced(last)) } }
        if let stop = member.cleanStop, isUntouched(files.files, since: stop) {
            freshness.durability = .cleanStop
            freshness.endsAt = stop.at
        } else if mayHaveFilled(member) {
            freshness.durability = .cutAppendOnly
        }
        return freshness
    }

    private func dump(_ member: Member, _ file: DataFile) -> Freshness {
        let isCut = isUnreadable(member, .badDump)
        var freshness = Freshness(isCut ? .cutAppendOnly : .dump)
        freshness.seenAt = member.lastSeen?.at
        freshness.writtenAt = file.modified
        guard !isCut else { return freshness }
        if let id = file.header?.replicationID, let offset = file.header?.replicationOffset {
            freshness.reached = .init(replicationID: id, offset: offset)
            freshness.endsThere = true
        }
        // The engine reports whole seconds.
        let saved = file.header?.savedAt ?? file.modified
        freshness.coversUntil = saved
        freshness.endsAt = saved + .seconds(1)
        if let stop = member.cleanStop, isUntouched([file], since: stop),
            file.modified + .seconds(10) >= stop.at
        {
            freshness.durability = .cleanStop
            freshness.coversUntil = stop.syncedAt
            freshness.endsAt = stop.at
        }
        return freshness
    }

    /// The engine itself is the checker: with `aof-load-truncated no` it ends instead of loading an incomplete file.
    private func isUnreadable(_ member: Member, _ kind: ExitReason.Kind) -> Bool {
        exited(member.name)?.reason.kind == kind
    }

    /// Cut between two commands, which no checker finds: shorter than when it was last seen, and not rewritten since.
    private func isShortened(_ files: AppendOnlyFiles, since last: LastSeen?) -> Bool {
        guard let last, let bytes = last.appendOnlyBytes, files.directoryName != nil, let base = files.files.first,
            !isRewritten(base, since: last)
        else { return false }
        return files.files.reduce(0) { $0 + $1.size } < bytes
    }

    /// A base of a later time than now is from before a step of the clock, and the node was seen after that step.
    private func isRewritten(_ base: DataFile, since last: LastSeen) -> Bool {
        let isFromBeforeStep =
            last.isComparable(at: seen.wall) && base.modified > seen.wall + LastSeen.clockStep
        return base.modified >= last.at && !isFromBeforeStep
    }

    /// At its last report it could not write the file, or had received its master's data and not written them yet: what it held was only in
    /// its memory.
    private func isUnwritten(_ member: Member) -> Bool {
        if let exit = exited(member.name), let last = exit.lastReport { return !last.isAppended }
        return member.lastSeen?.appendOnlyFailed == true
    }

    /// Its disk was seen full after its last report, and the engine does not end when it cannot append: with `appendfsync everysec` or `no`
    /// the client gets an OK for the write that the file lacks, and only the next write is rejected (`flushAppendOnlyFile`, src/aof.c).
    private func mayHaveFilled(_ member: Member) -> Bool {
        guard let last = member.lastSeen, last.bootID == seen.bootID, last.appendFsync != "always",
            let filled = seen.filledAt[member.directory]
        else { return false }
        if let heard = seen.lastHeard[member.name] { return heard <= filled }
        // It ended before this daemon began: only another living node may have what it could not append.
        return members.contains { $0.shard == member.shard && running($0.name) != nil }
    }

    private func isUntouched(_ files: [DataFile], since stop: LastSeen) -> Bool {
        files.allSatisfy { $0.modified <= stop.at + .seconds(2) }
    }

    /// What a host failure may have cut from the end of a file (`appendfsync`); the end of a process cuts nothing.
    private func unsynced(_ last: LastSeen) -> Duration {
        guard last.bootID != seen.bootID else { return .zero }
        switch last.appendFsync {
        case "always": return .zero
        case "no": return .seconds(60)
        default: return .seconds(2)
        }
    }

    /// Whether a dead master's files hold every write that it acknowledged: an append-only file, synced at each write, and intact.
    func losesNothing(_ master: Member, _ survey: Observation.Survey) -> Bool {
        let persistence = exited(master.name)?.lastReport?.persistence
        let fsync = persistence?.appendFsync ?? master.lastSeen?.appendFsync
        let wasKept = persistence.map { $0.appendOnly && $0.lastAppendOK } ?? (master.lastSeen?.appendOnlyBytes != nil)
        return fsync == "always" && wasKept && isIntact(master, survey)
    }

    /// Whether the files of a dead master have all of its data, as far as can be determined.
    func isIntact(_ master: Member, _ survey: Observation.Survey) -> Bool {
        onDisk(master, survey).durability >= .wholeAppendOnly
    }
}
