import ClusterModel

/// What `destroy` deletes of a stopped cluster, and what it keeps: it deletes only what clusterd or its engines created, by name. It
/// follows no link, and keeps and names everything unknown (invariant: last-copy).
package struct Destruction: Sendable, Equatable {
    package enum Step: Sendable, Equatable {
        case file(folder: String, name: String)
        /// Only if nothing is left in it.
        case folder(String)

        package var path: String {
            switch self {
            case .file(let folder, let name): "\(folder)/\(name)"
            case .folder(let path): path
            }
        }
    }

    package struct Kept: Sendable, Equatable {
        package var path: String
        package var why: String

        package init(path: String, why: String) {
            self.path = path
            self.why = why
        }
    }

    /// In this order, so that an interruption at any point leaves a record that says what the rest belongs to.
    package private(set) var steps: [Step] = []
    package private(set) var kept: [Kept] = []

    /// - Parameters:
    ///   - folders: the contents of the data folder, of `nodes/`, of each member's folder and of its folder of append-only files. A folder
    /// that is missing here does not exist, is a link, or lies behind one.
    package init(_ record: Record, dataDirectory: String, folders: [FolderListing]) {
        let places = Places(dataDirectory: dataDirectory, folders: folders)
        for member in record.members.sorted(by: { $0.name < $1.name }) { take(member, places) }
        takeNodesFolder(record, places)
        takeDataFolder(places)
    }

    // MARK: one node

    private mutating func take(_ member: Member, _ places: Places) {
        guard let folder = places.listing(member.directory) else {
            if places.isLink(member.directory) {
                keep(member.directory, "clusterd does not follow links: its data stay")
            }
            return
        }
        let isOurs = places.isOwnFolder(member.directory)
        guard isOurs || !places.isLaidOutByHand(member.directory) else { return leave(member, folder) }
        let names = NodeFileNames(member, folder)
        for entry in folder.entries {
            switch entry.kind {
            case .file where names.isOfTheEngine(entry.name) || names.isOfClusterd(entry.name, folder):
                steps.append(.file(folder: folder.path, name: entry.name))
            case .folder where entry.name == names.data.appendOnlyDirectory:
                takeAppendOnlyFiles(folder.path + "/" + entry.name, names, places)
            default: keepUnknown("\(folder.path)/\(entry.name)", entry.kind)
            }
        }
        // A folder elsewhere may be a mount, or the operator's own.
        if isOurs { steps.append(.folder(folder.path)) }
    }

    private mutating func takeAppendOnlyFiles(_ path: String, _ names: NodeFileNames, _ places: Places) {
        guard let folder = places.listing(path) else { return keep(path, "clusterd cannot read it") }
        for entry in folder.entries {
            if entry.kind == .file, names.isAppendOnly(entry.name) {
                steps.append(.file(folder: path, name: entry.name))
            } else {
                keepUnknown("\(path)/\(entry.name)", entry.kind)
            }
        }
        steps.append(.folder(path))
    }

    /// A folder that existed before clusterd: only files that every start overwrites, or that hold nothing, are deleted.
    private mutating func leave(_ member: Member, _ folder: FolderListing) {
        for name in ["redis.conf", Reserve.fileName] where folder.generated.contains(name) {
            steps.append(.file(folder: folder.path, name: name))
        }
        keep(folder.path, "it was created by hand: its data stay")
    }

    // MARK: the data folder

    private mutating func takeNodesFolder(_ record: Record, _ places: Places) {
        let path = places.nodes
        guard let folder = places.listing(path) else {
            if places.isLink(path) { keep(path, "clusterd does not follow links: the target stays") }
            return
        }
        let members = Set(record.members.map(\.directory))
        for entry in folder.entries where !members.contains("\(path)/\(entry.name)") {
            keep("\(path)/\(entry.name)", "it belongs to no node of this cluster")
        }
        steps.append(.folder(path))
    }

    private mutating func takeDataFolder(_ places: Places) {
        let path = places.dataDirectory
        guard let folder = places.listing(path) else { return }
        var last: [Step] = []
        let byHand = Set(kept.map(\.path))
        for entry in folder.entries {
            let name = entry.name
            switch (name, entry.kind) {
            case ("nodes", _): break
            case ("quarantine", .folder): keep("\(path)/quarantine", "remove quarantined files yourself")
            case ("kept-settings.yaml", .file):
                keep("\(path)/\(name)", "it holds the settings of folders that were created by hand")
            case ("state.json", .file), ("lock", .file): last.append(.file(folder: path, name: name))
            case (".gitignore", .file) where folder.generated.contains(name):
                last.append(.file(folder: path, name: name))
            case (Reserve.fileName, .file) where folder.generated.contains(name):
                steps.append(.file(folder: path, name: name))
            case ("control.sock", .other): steps.append(.file(folder: path, name: name))
            case (_, .file) where Self.isOfClusterd(name): steps.append(.file(folder: path, name: name))
            case _ where byHand.contains("\(path)/\(name)"): break
            default: keepUnknown("\(path)/\(name)", entry.kind)
            }
        }
        // The lock keeps a second clusterd out until nothing is left that it could adopt as a cluster.
        let order = [".gitignore", "state.json", "lock"]
        steps += last.sorted { a, b in rank(a, order) < rank(b, order) }
        if folder.generated.contains(".gitignore") { steps.append(.folder(path)) }
    }

    private func rank(_ step: Step, _ order: [String]) -> Int {
        guard case .file(_, let name) = step else { return order.count }
        return order.firstIndex(of: name) ?? order.count
    }

    private static func isOfClusterd(_ name: String) -> Bool {
        name == ".state.json.new" || name == "clusterd.log" || name == "events.jsonl" || name.hasPrefix("events.jsonl.")
            || name.hasPrefix("state.json.unreadable-") || name == "journal-position.json"
            || name == ".journal-position.json.new"
    }

    // MARK: keeping

    private mutating func keep(_ path: String, _ why: String) { kept.append(Kept(path: path, why: why)) }

    private mutating func keepUnknown(_ path: String, _ kind: FolderListing.Kind) {
        keep(path, kind == .link ? "clusterd neither follows nor removes links" : "clusterd did not create it")
    }
}

/// The names of the files that an engine and clusterd write into a node's folder.
private struct NodeFileNames {
    let member: Member
    let data: DataFileNames

    init(_ member: Member, _ folder: FolderListing) {
        self.member = member
        data = folder.dataNames
    }

    func isOfClusterd(_ name: String, _ folder: FolderListing) -> Bool {
        if name == "redis.conf" || name == Reserve.fileName { return folder.generated.contains(name) }
        return name == ".redis.conf.new" || name == ".\(member.nodesFileName).new" || name == "redis.log"
            || name.hasPrefix("redis.log.")
    }

    func isOfTheEngine(_ name: String) -> Bool {
        name == member.nodesFileName || name.hasPrefix(member.nodesFileName + ".tmp-") || name == data.dump
            || isAppendOnly(name) || isTemporary(name)
    }

    /// `appendonly.aof`, and since 7.0 `appendonly.aof.1.base.rdb`, `….1.incr.aof`, `….manifest` in a folder of their own.
    func isAppendOnly(_ name: String) -> Bool {
        name == data.appendOnly || name.hasPrefix(data.appendOnly + ".") || name.hasPrefix("temp-\(data.appendOnly).")
            || isTemporary(name)
    }

    /// `temp-4182.rdb`, `temp-rewriteaof-4182.aof`, `temp-rewriteaof-bg-4182.aof` (src/rdb.c, src/aof.c), `temp-4182.4.rdb` of a full
    /// synchronization (src/replication.c).
    private func isTemporary(_ name: String) -> Bool {
        name.hasPrefix("temp-") && (name.hasSuffix(".rdb") || name.hasSuffix(".aof"))
    }
}

/// The locations of a cluster's folders.
private struct Places {
    let dataDirectory: String
    let folders: [FolderListing]

    var nodes: String { dataDirectory + "/nodes" }

    func listing(_ path: String) -> FolderListing? { folders.first { $0.path == path && $0.isReal } }
    func isLink(_ path: String) -> Bool { folders.contains { $0.path == path && !$0.isReal } }

    func isOwnFolder(_ path: String) -> Bool { isChild(path, of: nodes) }
    func isLaidOutByHand(_ path: String) -> Bool { isChild(path, of: dataDirectory) }

    private func isChild(_ path: String, of parent: String) -> Bool {
        path.hasPrefix(parent + "/") && !path.dropFirst(parent.count + 1).contains("/")
    }
}
