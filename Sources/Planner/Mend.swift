import ClusterModel

/// What `fix` can do about one finding, once a person has said so. It hangs on the finding that it mends, so that a hint names
/// `clusterd fix` exactly where fix does something.
package enum Mend: Sendable, Hashable, Codable {
    /// Folders, or files in one, go to quarantine.
    case setAside(SetAside)

    package struct SetAside: Sendable, Hashable, Codable {
        /// The member in whose place they lie, which is then started; nil: nobody's.
        package var member: NodeName?
        /// What they go by in the quarantine: a node's name, or the folder's.
        package var label: String
        /// Absolute.
        package var directory: String
        /// Names within it.
        package var files: [String]
        /// Of the note: why.
        package var why: String
        /// In `quarantine/`; given when it is asked for.
        package var folder: String?

        package init(member: NodeName?, label: String, directory: String, files: [String], why: String) {
            self.member = member
            self.label = label
            self.directory = directory
            self.files = files
            self.why = why
        }

        /// The node's folder, whether it goes as a whole or only what is in it.
        package var path: String { member == nil ? "\(directory)/\(files[0])" : directory }
    }

    /// What a person, or a program, says yes to: the same for as long as it would do the same.
    package var id: String {
        switch self {
        case .setAside(let move): "set-aside \(move.path)"
        }
    }

    /// The node that it is about, where that is one of the cluster.
    package var node: NodeName? {
        switch self {
        case .setAside(let move): move.member
        }
    }

    /// Where keys lie that it is about.
    package var folder: String? {
        switch self {
        case .setAside(let move): move.path
        }
    }

    /// What it does, in words.
    package var text: String {
        switch self {
        case .setAside(let move):
            move.member.map { "move what is in \(move.path) to quarantine/, and start \($0) as the member that it was" }
                ?? "move \(move.path) to quarantine/"
        }
    }

    /// The same, with what is decided when it is asked for.
    package func begun(at wall: WallTime) -> Mend {
        switch self {
        case .setAside(var move):
            move.folder = "\(stamp(wall))-\(move.label)"
            return .setAside(move)
        }
    }
}

extension Mend.SetAside {
    /// The whole folder.
    package init(folder facts: DirectoryFacts, why: String) {
        let parts = facts.path.split(separator: "/").map(String.init)
        self.init(
            member: nil, label: facts.number.map(String.init) ?? parts.last ?? "folder",
            directory: "/" + parts.dropLast().joined(separator: "/"), files: [parts.last ?? ""], why: why)
    }

    /// What lies in a member's place and is not its own: nodes.conf, data, and a redis.conf that clusterd did not write.
    package init(_ facts: DirectoryFacts, inPlaceOf member: NodeName, why: String) {
        var files = facts.nodesFileName.map { [$0] } ?? []
        if let conf = facts.redisConf, !conf.isGenerated { files.append(conf.fileName) }
        files += facts.content.fileNames.filter { !files.contains($0) }
        self.init(member: member, label: member.text, directory: facts.path, files: files, why: why)
    }

    package var quarantine: Effect.Quarantine {
        Effect.Quarantine(
            node: member ?? NodeName(path), directory: directory, files: files,
            folder: folder ?? label,
            note: why + ". To read its keys: redis-server --port 7999 --appendonly yes --dir on a copy of the folder")
    }
}
