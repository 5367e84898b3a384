import ClusterModel

/// What `fix` would do in a data folder in which no clusterd runs: the same findings as at a start and, if a start is refused, what would
/// allow it.
package struct FolderPlan: Sendable, Equatable {
    package private(set) var findings: [Finding] = []

    package var repairs: [Repair] { findings.compactMap(\.repair) }

    /// - Parameters:
    ///   - record: nil: there is none, or it cannot be read.
    ///   - inUse: the folders in which an engine runs.
    ///   - keep: the cluster that stays if there are several: the name of one of its nodes, or the beginning of its id.
    ///   - option: the command line option that selects this folder.
    package init(
        _ record: Record?, _ directories: [DirectoryFacts], inUse: Set<String>, keep: String? = nil,
        option: String = ""
    ) throws(Failure) {
        if let record {
            guard keep == nil else { throw Self.nothingToChoose }
            findings = StrayFolders(record, directories, inUse: inUse).findings
            let isIdle = inUse.isDisjoint(with: record.members.map(\.directory))
            if isIdle, record.stage == .formed { findings += Self.leftToTheStart(record, directories, option) }
            return
        }
        try look(directories, inUse, keep)
    }

    /// Examines the folder as a start would, removes what is in the way, and examines it again.
    private mutating func look(
        _ directories: [DirectoryFacts], _ inUse: Set<String>, _ keep: String?
    ) throws(Failure) {
        var rest = directories
        var isChosen = false
        while true {
            let classification = FolderClassification(rest, inUse: inUse)
            var obstacles = classification.findings
            if !classification.rivals.isEmpty {
                let kept = try Self.choose(keep, among: classification.rivals)
                isChosen = true
                for (index, group) in classification.rivals.enumerated() where index != kept {
                    obstacles += group.map { Self.rival($0, of: classification.rivals[kept]) }
                }
            } else if let folder = classification.unplaced {
                obstacles.append(Self.unplaced(folder))
            } else if case .refused(let refusal) = classification.verdict {
                throw refusal
            }
            let new = obstacles.filter { !findings.contains($0) }
            if let user = new.compactMap({ $0.repair?.folder }).first(where: inUse.contains) {
                throw Failure(
                    .directoryInUse, "\(user) is in use by a running server; nothing was changed",
                    hint: "stop that server")
            }
            findings += new
            let gone = Set(findings.compactMap { $0.repair?.folder })
            let before = rest.count
            rest.removeAll { gone.contains($0.path) }
            if rest.count == before { break }
        }
        if keep != nil, !isChosen { throw Self.nothingToChoose }
    }

    private static func choose(_ keep: String?, among groups: [[DirectoryFacts]]) throws(Failure) -> Int {
        let names = groups.map { $0.map(\.label).joined(separator: " ") }.joined(separator: " and ")
        let commands = groups.map { "clusterd fix --keep \(ShellWord.quoted($0[0].label))" }.joined(separator: " · ")
        guard let keep else {
            throw Failure(
                .twoClusters,
                "the data folder holds \(groups.count) clusters that own slots or keys: \(names); choose which one to keep",
                hint: commands)
        }
        let found = groups.indices.filter { index in
            groups[index].contains { folder in
                let id = folder.parsed?.view.myself?.id.text ?? ""
                return folder.label == keep || folder.path == keep
                    || keep.count >= 4 && id.hasPrefix(keep.lowercased())
            }
        }
        guard found.count == 1 else {
            throw Failure(
                found.isEmpty ? .unknownNode : .ambiguousNode,
                "'\(keep)' \(found.isEmpty ? "is not a node of" : "is in more than one of") these clusters: \(names)",
                hint: commands)
        }
        return found[0]
    }

    private static func rival(_ folder: DirectoryFacts, of kept: [DirectoryFacts]) -> Finding {
        Finding(
            .twoClusters, .error, node: folder.number.map { NodeName(String($0)) }, about: .path(folder.path),
            "\(folder.path) belongs to another cluster than \(kept.map(\.label).joined(separator: " "))",
            hint: StrayFolders.hint,
            repair: .setAside(
                .init(
                    folder: folder,
                    why: "it was of another cluster than \(kept.map(\.label).joined(separator: " ")), which stayed")))
    }

    private static func unplaced(_ folder: DirectoryFacts) -> Finding {
        Finding(
            .keysWithoutCluster, .error, node: folder.number.map { NodeName(String($0)) }, about: .path(folder.path),
            "\(folder.path) holds keys and belongs to no cluster: without it, the next start creates a new, empty cluster",
            hint: StrayFolders.hint,
            repair: .setAside(.init(folder: folder, why: "it held keys and belonged to no cluster")))
    }

    private static let nothingToChoose = Failure(
        .nothingToChoose, "there are not two clusters to choose from", hint: "clusterd fix --dry-run")
}

extension FolderPlan {
    /// What keeps nodes down at the next start and can be repaired only while clusterd runs: it starts the nodes and checks that they come
    /// back.
    fileprivate static func leftToTheStart(
        _ record: Record, _ directories: [DirectoryFacts], _ option: String
    ) -> [Finding] {
        var seen = Observation(
            bootID: "", wall: WallTime(milliseconds: 0), entropy: 0,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 0)), began: .seconds(0))
        let survey = Observation.Survey(askedAt: .seconds(0), directories: directories, users: [], recorded: [:])
        seen.survey = survey
        var turn = Turn(ClusterSpec(name: record.cluster, dataDirectory: ""), record, seeing: seen, at: .seconds(0))
        let topology = turn.believedTopology(survey)
        for member in record.members where member.wanted == .running && !member.joining {
            if topology.master(of: member.id) == nil {
                turn.reportUnknownSlots(of: member, topology)
            } else if topology.owns(member.id) {
                turn.reportShardWithoutManifest(member, topology)
            }
        }
        return turn.decision.findings.map { finding in
            guard finding.repair != nil else { return finding }
            var left = finding
            left.repair = nil
            left.hint = "clusterd up --detach\(option), then clusterd fix\(option)"
            return left
        }
    }
}
