import ClusterModel

/// Which of a folder's files the engine loads.
extension Turn {
    /// The engine loads the append-only file if `appendonly yes`, otherwise the dump, and never reads the other: so clusterd starts it with
    /// what it last kept, and sets the configured value once it has loaded (`loadDataFromDisk`, src/server.c).
    /// - Returns: what `appendonly` must be; nil: as configured.
    func appendOnlyAtStart(_ member: Member, _ facts: DirectoryFacts?) -> Bool? {
        guard let facts else { return nil }
        let hasAppendOnlyFile = facts.content.appendOnly != nil
        let hasDump = !facts.content.dumps.isEmpty
        switch (hasAppendOnlyFile, hasDump) {
        case (false, false): return nil
        case (true, false): return true
        case (false, true): return false
        case (true, true): return member.appendOnly != false && dumpAfterAppendOnly(member, facts.content) != .goesOn
        }
    }

    func configuredAppendOnly(_ member: Member) -> Bool {
        RedisConfPlan.configured("appendonly", for: member.settingsName, spec) == ["yes"]
    }

    /// A dump next to an append-only file, saved when no write had been appended for a while. Either there were no writes, or `appendonly`
    /// was switched off while no daemon ran.
    enum LaterDump: Equatable {
        /// It continues the stream of which the append-only file has a part, and contains all of that part.
        case goesOn
        /// Its number of keys differs from what the node last had, and it does not name the stream that it continues: it may have writes
        /// that the append-only file lacks, or come from an engine that was started by hand without that file.
        case isUnknown(keys: Int64)
    }

    /// - Returns: nil: the append-only file has everything that the dump has.
    func dumpAfterAppendOnly(_ member: Member, _ content: DirectoryContent) -> LaterDump? {
        guard let header = content.dumps.first?.header, let saved = header.savedAt, let last = member.lastSeen,
            last.isComparable(at: seen.wall), let bytes = last.appendOnlyBytes, let files = content.appendOnly?.files,
            member.cleanStop == nil, let appended = files.map(\.modified).max(),
            saved > appended + Freshness.writeSpread
        else { return nil }
        guard header.replicationID == last.replicationID, let offset = header.replicationOffset else {
            guard header.replicationID == nil, let keys = header.keys, keys != last.keys else { return nil }
            return .isUnknown(keys: keys)
        }
        // Both grow by the same commands.
        let appendedSince = files.reduce(0) { $0 + $1.size } - bytes
        return offset > last.offset && appendedSince <= offset - last.offset ? .goesOn : nil
    }
}
