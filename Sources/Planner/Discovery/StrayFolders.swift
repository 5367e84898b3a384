import ClusterModel

/// Folders that are in the way of a formed cluster, or that lie next to it and hold keys or claim to be one of its nodes. clusterd never
/// merges, starts or wipes them: each is a finding for as long as it exists, with what `fix` would do.
package struct StrayFolders {
    private let record: Record
    private let directories: [DirectoryFacts]
    /// Folders in which an engine runs.
    private let inUse: Set<String>

    package init(_ record: Record, _ directories: [DirectoryFacts], inUse: Set<String>) {
        self.record = record
        self.directories = directories
        self.inUse = inUse
    }

    package var findings: [Finding] {
        let places = Set(record.members.map(\.directory))
        let inPlace = record.members.compactMap { member in
            facts(member.directory).flatMap { inUse.contains($0.path) ? nil : inTheWay(of: member, $0) }
        }
        // A folder whose name is not a port may be the operator's own copy: it counts only if it is a node's only folder.
        let others = directories.filter { folder in
            guard !places.contains(folder.path), !folder.isUntouched, !folder.isDataFolder else { return false }
            return folder.number != nil || folder.path.hasSuffix("/nodes/\(folder.lastName)")
                || owner(of: folder).map { !isAtHome($0) } ?? false
        }
        return inPlace + others.compactMap(beside)
    }

    /// A folder with keys never counts as stale (invariants: unknown-is-data, last-copy). If a node of this cluster started in it as a
    /// replica, the engine would drop the keys that another node, or this one while it was alone, has accepted. nil: the member can start.
    package func inTheWay(of member: Member, _ facts: DirectoryFacts) -> Finding? {
        guard let myself = facts.parsed?.view.myself, myself.id != member.id, facts.content.holdsKeys else {
            return nil
        }
        let file = facts.nodesFileName ?? "nodes.conf"
        if let owner = owner(of: facts) {
            if isAtHome(owner) {
                return Finding(
                    .directoryCopied, .error, node: member.name, about: .path(facts.path),
                    "\(facts.path) is a copy of the folder of \(owner.name) and holds keys: clusterd does not start \(member.name) in it",
                    hint: Self.hint,
                    repair: .setAside(
                        .init(facts, inPlaceOf: member.name, why: "\(file) and data were a copy of \(owner.name)'s")))
            }
            return Finding(
                .directoryMisplaced, .error, node: member.name, about: .path(facts.path),
                "\(facts.path) is the only folder of \(owner.name): clusterd does not start \(member.name) in it",
                hint:
                    "stop the cluster (clusterd stop), move the folder to \(owner.directory), and start clusterd again")
        }
        let whose =
            facts.parsed?.view.entries.count == 1 ? "of a node that knows no other node" : "of another cluster's node"
        return Finding(
            .standaloneWithKeys, .error, node: member.name, about: .path(facts.path),
            "\(facts.path) holds keys, and its \(file) is \(whose): clusterd does not change it, and does not start \(member.name) in it",
            hint: Self.hint,
            repair: .setAside(
                .init(facts, inPlaceOf: member.name, why: "\(file) was \(whose), and there were keys with it")))
    }

    private func beside(_ facts: DirectoryFacts) -> Finding? {
        let node = facts.number.map { NodeName(String($0)) }
        guard !inUse.contains(facts.path) else {
            guard facts.content.holdsKeys || owner(of: facts) != nil else { return nil }
            return Finding(
                .directoryInUse, .warning, node: node, about: .path(facts.path),
                "\(facts.path) is in use by a process that clusterd did not start: clusterd does not touch it",
                hint: "stop that process")
        }
        if let owner = owner(of: facts) {
            guard isAtHome(owner) else {
                return Finding(
                    .directoryMisplaced, .error, node: node, about: .path(facts.path),
                    "\(facts.path) is the only folder of \(owner.name), and is not in its place \(owner.directory)",
                    hint:
                        "stop the cluster (clusterd stop), move the folder to \(owner.directory), and start clusterd again"
                )
            }
            return Finding(
                .directoryCopied, .warning, node: node, about: .path(facts.path),
                "\(facts.path) has the node id of \(owner.name): it is a copy, and clusterd does not start it",
                hint: Self.hint,
                repair: .setAside(.init(folder: facts, why: "it was a copy of the folder of \(owner.name)")))
        }
        guard facts.content.holdsKeys else { return nil }
        return Finding(
            .standaloneWithKeys, .error, node: node, about: .path(facts.path),
            "\(facts.path) holds keys and belongs to no node of this cluster: clusterd neither changes nor starts it",
            hint: Self.hint,
            repair: .setAside(.init(folder: facts, why: "it held keys and belonged to no node of the cluster")))
    }

    /// The member whose id a folder claims.
    private func owner(of facts: DirectoryFacts) -> Member? {
        (facts.parsed?.view.myself?.id).flatMap { record.member(id: $0) }
    }

    /// Whether a member's own folder is in its place; a running process implies that it is.
    private func isAtHome(_ member: Member) -> Bool {
        inUse.contains(member.directory) || facts(member.directory)?.parsed?.view.myself?.id == member.id
    }

    private func facts(_ path: String) -> DirectoryFacts? { directories.first { $0.path == path } }

    package static let hint = "clusterd fix"
}

extension Turn {
    func strays(_ survey: Observation.Survey) -> StrayFolders? {
        // A survey from before a process ended says nothing about the folder as the process left it.
        let busy = members.filter { member in
            running(member.name) != nil || exited(member.name).map { $0.at > survey.askedAt } ?? false
        }.map(\.directory)
        return decision.record.map {
            StrayFolders($0, survey.directories, inUse: folderUsers(survey).foldersInUse.union(busy))
        }
    }

    /// Folders outside the members' own places; a folder in the way of a member is found when the member is started.
    mutating func reportStrays(_ survey: Observation.Survey) {
        if let asked = seen.check.asked { needSurvey(since: asked) }
        for finding in strays(survey)?.findings ?? [] where !decision.findings.contains(finding) {
            if finding.node.map(isReturning) != true { emit(finding) }
        }
    }
}
