import ClusterModel

/// An append-only file without a manifest that names its parts. If the manifest is missing, the engine treats the set as a new one: it
/// starts empty, replaces the base and truncates the first increment (`aofOpenIfNeededOnServerStart`, src/aof.c; seen with Redis 7.0 and
/// 8.2, Valkey 9.1). It does the same if the manifest holds only comments or history; it rejects one that is empty or cut. Invariant:
/// last-copy.
extension Turn {
    /// Whether a start would overwrite the parts in the node's folder, or fail.
    func lacksManifest(_ member: Member) -> Bool {
        guard let facts = seen.directory(at: member.directory), facts.content.appendOnly?.lacksManifest == true else {
            return false
        }
        return appendOnlyAtStart(member, facts) ?? configuredAppendOnly(member)
    }

    /// The node does not start until the manifest is there. A replica needs only its master's answer, and copies all data from it.
    mutating func keepDown(
        _ member: Member, _ topology: Topology, _ failovers: [NodeID: FailoverDecision], _ survey: Observation.Survey
    ) {
        guard let facts = seen.directory(at: member.directory), let files = facts.content.appendOnly else { return }
        // The manifest is written, or the master answers.
        let again = survey.askedAt + .seconds(2)
        if now >= again { needSurvey(since: now) } else { wake(at: again) }
        let trouble =
            "clusterd does not start \(member.name): \(files.trouble ?? "the manifest is missing"), and the engine would start empty "
            + "and overwrite the existing parts, or reject them"
        if let comeback = comeback(of: member, topology, failovers) {
            return emit(Finding(.nodeDown, .warning, node: member.name, "\(trouble); \(comeback)"))
        }
        let candidate = livingCandidate(of: member, topology)
        let repair =
            candidate == nil ? AOFManifest.repair(of: member, facts, after: exited(member.name)?.identity) : nil
        let hint =
            candidate.map {
                "clusterd failover \($0.name) --force: it is up and has the keys; \(member.name) then copies all of them from it"
            }
            ?? repair.map { _ in StrayFolders.hint }
            ?? Self.manifestHint(member, facts)
        emit(Finding(.nodeDown, .error, node: member.name, trouble, hint: hint, repair: repair))
    }

    /// For a master that does not run: neither it nor a replica can load an append-only file, because no manifest names the parts.
    mutating func reportShardWithoutManifest(_ master: Member, _ topology: Topology) {
        func lacksManifest(_ member: Member) -> Bool {
            member.appendOnly != false
                && seen.directory(at: member.directory)?.content.appendOnly?.lacksManifest == true
        }
        let shard = members.filter { topology.master(of: $0.id) == master.id }
        let others = shard.filter { $0.id != master.id && seen.directory(at: $0.directory)?.content.holdsKeys == true }
        guard lacksManifest(master), others.allSatisfy(lacksManifest),
            let facts = seen.directory(at: master.directory), let files = facts.content.appendOnly
        else { return }
        let repair = AOFManifest.repair(of: master, facts, after: nil)
        emit(
            Finding(
                .nodeDown, .error, node: master.name,
                "clusterd cannot start \(master.name): \(files.trouble ?? "the manifest is missing"), and no replica has its keys",
                hint: repair == nil ? Self.manifestHint(master, facts) : StrayFolders.hint, repair: repair))
    }

    /// It cannot be determined which parts belong together: the operator names them. `redis-check-aof` repairs no manifest.
    static func manifestHint(_ member: Member, _ facts: DirectoryFacts) -> String {
        let folder = "\(member.directory)/\(facts.dataNames.appendOnlyDirectory)"
        return
            "ls -l \(ShellWord.quoted(folder)); then write \(facts.dataNames.appendOnly).manifest there with one base (type b) and the "
            + "increments after it (type i) in numerical order: clusterd then starts \(member.name)"
    }

    /// First a second copy, then the manifest, then the start: the engine checks the named parts.
    mutating func writeManifest(
        _ write: inout Repair.WriteManifest, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let member = find(write.member) else {
            return .failed(.unknownNode(write.member))
        }
        let order = Effect.writeManifest(write)
        if write.isDone || running(member.name) != nil {
            write.isDone = true
            // The start waits until the survey shows it.
            if let written = seen.effects[order.key]?.ended { needSurvey(since: written + .nanoseconds(1)) }
            return comeBack(member, after: write.process, story, topology)
                ?? .done(.loaded(member.name, quarantine: write.folder ?? "", isCut: false))
        }
        // Meanwhile its master may be back and provide all data, or the operator has written the manifest.
        guard lacksManifest(member), takesDataFrom(member, topology) == nil else {
            return comeBack(member, after: write.process, story, topology)
                ?? .done(.startedWithoutRepair(member.name))
        }
        if let survey = seen.survey, let why = reasonNotToTouch(member.directory, survey) {
            return .failed(.folderInUse(why, .changed))
        }
        let copy = Effect.preserve(
            .init(
                node: member.name, directory: write.directory, files: write.names, folder: write.folder ?? "",
                note:
                    "the append-only file of \(member.name) had no manifest that the engine takes; clusterd wrote one for "
                    + write.parts.joined(separator: " and ")))
        switch ensure(copy) {
        case .failed(let why, _): return .failed(.notCopied(why))
        case .underWay:
            return .working(.copying(write.names, quarantine: write.folder ?? ""))
        case .done: break
        }
        switch ensure(order) {
        case .failed(let why, _): return .failed(.notWritten(write.path, why))
        case .underWay: break
        case .done: write.isDone = true
        }
        return .working(.writing(write.path))
    }
}

extension AOFManifest {
    /// The manifest for the parts in a node's folder; nil: it cannot be determined which of them belong together.
    static func repair(of member: Member, _ facts: DirectoryFacts, after process: ProcessIdentity?) -> Repair? {
        guard let files = facts.content.appendOnly, let folder = files.directoryName,
            let text = text(for: files, facts.dataNames)
        else { return nil }
        return .writeManifest(
            .init(
                member: member.name, directory: facts.path, file: "\(folder)/\(facts.dataNames.appendOnly).manifest",
                text: text, names: [folder],
                parts: files.files.map { String($0.name.dropFirst(folder.utf8.count + 1)) },
                process: process))
    }

    /// One base and at most one increment. nil for any other set: some of it may be history, which must not be loaded again.
    static func text(for files: AppendOnlyFiles, _ names: DataFileNames) -> String? {
        guard let folder = files.directoryName else { return nil }
        var lines: [String] = []
        for file in files.files {
            let name = String(file.name.dropFirst(folder.utf8.count + 1))
            let words = name.dropFirst(names.appendOnly.utf8.count + 1).split(separator: ".")
            guard words.count == 3, let sequence = Int(words[0]) else { return nil }
            guard
                name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") })
            else { return nil }
            let isBase = words[1] == "base"
            guard isBase == lines.isEmpty else { return nil }
            lines.append("file \(name) seq \(sequence) type \(isBase ? "b" : "i")")
        }
        guard 1...2 ~= lines.count else { return nil }
        return lines.map { "\($0)\n" }.joined()
    }
}
