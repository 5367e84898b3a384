import ClusterModel

/// What a start finds when no record says what was formed: which folders form one cluster, which are left over from unfinished work, and
/// which must not be touched. Two groups that both own slots or keys are never merged, and a folder that holds keys never counts as stale
/// (invariants: no-merge, unknown-is-data).
package struct FolderClassification: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// There is no cluster. `folders`: hand-made, stale and without keys; the new cluster uses them.
        case new(folders: [DirectoryFacts])
        /// These folders are a cluster; the standalone nodes join it.
        case cluster(members: [DirectoryFacts], standalone: [DirectoryFacts])
        case refused(Failure)
    }

    package var verdict: Verdict
    package var findings: [Finding] = []
    /// If they cause a refusal: the clusters of which at most one can stay, or the folder that belongs to no known cluster.
    package private(set) var rivals: [[DirectoryFacts]] = []
    package private(set) var unplaced: DirectoryFacts?

    /// - Parameter inUse: the folders in which an engine runs.
    package init(_ directories: [DirectoryFacts], inUse: Set<String>) {
        if let root = directories.first(where: \.isDataFolder), root.isOfACluster || root.content.holdsKeys {
            verdict = .refused(Self.inTheDataFolder(root))
            return
        }
        let (folders, copies) = Self.withoutCopies(directories.filter { !$0.isUntouched && !$0.isDataFolder })
        findings = copies.map { copy in
            Finding(
                .directoryCopied, .error, node: copy.number.map { NodeName(String($0)) }, about: .path(copy.path),
                "\(copy.path) has the node id of another folder: it is a copy, and clusterd does not start it",
                hint: StrayFolders.hint, repair: .setAside(.init(folder: copy, why: "it was a copy of another folder")))
        }
        if let copy = copies.first(where: { $0.content.holdsKeys && $0.number == nil }) {
            verdict = .refused(Self.unclear(copy, why: "is a copy of another node's folder and holds keys"))
            unplaced = copy
            return
        }
        let groups = Self.groups(folders)
        let clusters = groups.filter { group in
            group.count > 1 && group.contains { $0.ownsSlots || $0.content.holdsKeys }
        }
        if clusters.count > 1 {
            verdict = .refused(Self.twoClusters(clusters))
            rivals = clusters
            return
        }
        let singles = folders.filter { folder in !clusters.contains { $0.contains(folder) } }
        // A cluster with a single master is a group of one.
        let whole = singles.filter { $0.parsed?.view.myself?.slots == SlotSet.all && $0.content.holdsKeys }
        if clusters.isEmpty, whole.count > 1 {
            verdict = .refused(Self.twoClusters(whole.map { [$0] }))
            rivals = whole.map { [$0] }
            return
        }
        guard let main = clusters.first ?? (whole.count == 1 ? whole : nil) else {
            // A new cluster would use the folder that is named after one of its ports.
            if let copy = copies.first(where: \.content.holdsKeys) {
                verdict = .refused(Self.unclear(copy, why: "is a copy of another node's folder and holds keys"))
                unplaced = copy
            } else if let folder = singles.first(where: { $0.number == nil && $0.isOfACluster && !$0.content.holdsKeys }
            ) {
                verdict = .refused(
                    Self.unclear(folder, why: "belongs to a node of a cluster whose other nodes are not here"))
                unplaced = folder
            } else {
                unplaced = singles.first(where: \.content.holdsKeys)
                verdict = Self.nothingFormed(singles, inUse: directories.map(\.path).filter(inUse.contains))
            }
            return
        }
        let rest = singles.filter { !main.contains($0) }
        let claimed = Self.lost(in: main).reduce(into: [String: DirectoryFacts]()) { found, entry in
            if let folder = rest.first(where: { $0.parsed == nil && $0.number == entry.ports.client }) {
                found[folder.path] = folder
            }
        }
        let others = rest.filter { claimed[$0.path] == nil }
        for standalone in others where standalone.content.holdsKeys {
            findings.append(
                Finding(
                    .standaloneWithKeys, .error, node: standalone.number.map { NodeName(String($0)) },
                    about: .path(standalone.path),
                    "\(standalone.path) holds keys and belongs to no cluster here: clusterd neither changes nor starts it",
                    hint: StrayFolders.hint,
                    repair: .setAside(.init(folder: standalone, why: "it held keys and belonged to no cluster"))))
        }
        for standalone in others where !standalone.content.holdsKeys && inUse.contains(standalone.path) {
            findings.append(Self.inUse(standalone))
        }
        verdict = .cluster(
            members: main + rest.filter { claimed[$0.path] != nil },
            standalone: others.filter { !$0.content.holdsKeys && !inUse.contains($0.path) })
    }

    /// Nodes that the files of a group name and that no folder of the group claims.
    package static func lost(in group: [DirectoryFacts]) -> [NodeEntry] {
        let ids = Set(group.compactMap { $0.parsed?.view.myself?.id })
        var found: [NodeID: NodeEntry] = [:]
        for file in group.compactMap(\.parsed) {
            for entry in file.view.entries
            where !ids.contains(entry.id) && !ids.contains(entry.id.ghost)
                && !entry.flags.contains(.handshake) && !entry.flags.contains(.noaddr)
                && entry.configEpoch >= found[entry.id]?.configEpoch ?? 0
            {
                found[entry.id] = entry
            }
        }
        return found.values.sorted { ($0.ports, $0.id) < ($1.ports, $1.id) }
    }

    /// Two folders with one id: the original is the one at the port that its nodes.conf names.
    private static func withoutCopies(
        _ directories: [DirectoryFacts]
    ) -> (originals: [DirectoryFacts], copies: [DirectoryFacts]) {
        var originals: [DirectoryFacts] = []
        var copies: [DirectoryFacts] = []
        for folder in directories {
            guard let id = folder.parsed?.view.myself?.id,
                let twin = originals.firstIndex(where: { $0.parsed?.view.myself?.id == id })
            else {
                originals.append(folder)
                continue
            }
            if folder.standsAtItsPort, !originals[twin].standsAtItsPort {
                copies.append(originals[twin])
                originals[twin] = folder
            } else {
                copies.append(folder)
            }
        }
        return (originals, copies)
    }

    /// Folders whose files name each other, and then those that such a group names although they do not name it.
    private static func groups(_ folders: [DirectoryFacts]) -> [[DirectoryFacts]] {
        let parsed = folders.filter { $0.parsed?.view.myself != nil }
        func knows(_ a: DirectoryFacts, _ b: DirectoryFacts) -> Bool {
            guard let id = b.parsed?.view.myself?.id, let view = a.parsed?.view else { return false }
            return view.entries.contains { $0.id == id && !$0.flags.contains(.handshake) }
        }
        var groups: [[DirectoryFacts]] = []
        for folder in parsed {
            let mine = groups.indices.filter { index in
                groups[index].contains { knows($0, folder) && knows(folder, $0) }
            }
            let merged = mine.flatMap { groups[$0] } + [folder]
            groups = groups.indices.filter { !mine.contains($0) }.map { groups[$0] } + [merged]
        }
        for single in groups.filter({ $0.count == 1 }).flatMap({ $0 }) {
            guard
                let home = groups.firstIndex(where: { group in
                    group.count > 1 && group.contains { knows($0, single) }
                })
            else { continue }
            groups[home].append(single)
            groups.removeAll { $0 == [single] }
        }
        return groups.map { $0.sorted { ($0.number ?? .max, $0.path) < ($1.number ?? .max, $1.path) } }
    }

    /// - Parameter inUse: includes folders in which nothing is written yet.
    private static func nothingFormed(_ folders: [DirectoryFacts], inUse: [String]) -> Verdict {
        if let keys = folders.first(where: { $0.content.holdsKeys }) {
            return .refused(unclear(keys, why: "holds keys and belongs to no cluster"))
        }
        if let live = inUse.first {
            return .refused(
                Failure(
                    .directoryInUse, "\(live) is in use by a running redis-server that belongs to no cluster",
                    hint: "stop that server, or choose another folder with --dir"))
        }
        return .new(folders: folders)
    }

    private static func inUse(_ folder: DirectoryFacts) -> Finding {
        Finding(
            .directoryInUse, .warning, node: folder.number.map { NodeName(String($0)) }, about: .path(folder.path),
            "\(folder.path) is in use by a process that clusterd did not start: clusterd does not touch it",
            hint: "stop that process; the next start adopts the folder")
    }

    private static func unclear(_ folder: DirectoryFacts, why: String) -> Failure {
        Failure(
            .keysWithoutCluster, "\(folder.path) \(why); nothing was started and nothing was changed",
            hint: "clusterd fix moves it to quarantine/; or start in another folder with --dir")
    }

    /// clusterd's own files would be mixed with the node's files.
    private static func inTheDataFolder(_ folder: DirectoryFacts) -> Failure {
        let port = folder.parsed?.view.myself.flatMap { $0.ports.client > 0 ? $0.ports.client : nil } ?? 7000
        let names = [folder.nodesFileName, folder.redisConf?.fileName].compactMap { $0 } + folder.content.fileNames
        let files = names.map { ShellWord.quoted("\(folder.path)/\($0)") }.joined(separator: " ")
        let place = ShellWord.quoted("\(folder.path)/\(port)")
        return Failure(
            .keysWithoutCluster,
            "the files of a node (\(names.joined(separator: ", "))) are in \(folder.path) itself, next to clusterd's own files; "
                + "nothing was started and nothing was changed",
            hint:
                "move them into a folder of their own: mkdir \(place) && mv \(files) \(place)/; "
                + "or start in another folder with --dir")
    }

    private static func twoClusters(_ clusters: [[DirectoryFacts]]) -> Failure {
        let names = clusters.map { group in group.map(\.label).joined(separator: " ") }
        return Failure(
            .twoClusters,
            "the data folder holds \(clusters.count) clusters that own slots or keys, and clusterd never merges clusters: "
                + names.joined(separator: " and "),
            hint:
                "clusterd fix --keep \(ShellWord.quoted(clusters[0][0].label)) keeps the first and moves the others to quarantine/; "
                + "or start in another folder with --dir")
    }
}

extension DirectoryFacts {
    /// The port in the folder's name.
    package var number: Int? {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard let number = Int(name), (1...65535).contains(number) else { return nil }
        return number
    }
    /// How an operator refers to it: by the port in its name, otherwise by its path.
    package var label: String { number.map(String.init) ?? path }
    package var parsed: NodesFile? {
        guard case .parsed(let file) = nodesFile else { return nil }
        return file
    }
    /// Whether its nodes.conf names nodes other than its own.
    var isOfACluster: Bool {
        parsed.map { file in
            file.view.entries.contains { !$0.flags.contains(.myself) && !$0.flags.contains(.handshake) }
        }
            ?? false
    }
    /// The folder contains no engine files.
    var isUntouched: Bool { nodesFile == .absent && content.isEmpty }
    /// Or it is to take them from its ghost.
    var ownsSlots: Bool { parsed?.view.myself.map { !$0.slots.isEmpty || $0.followsGhost } ?? false }
    var standsAtItsPort: Bool { parsed?.view.myself?.ports.client == number }
}
