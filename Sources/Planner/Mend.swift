import ClusterModel

/// What `fix` can do about one finding, once a person has said so. It hangs on the finding that it mends, so that a hint names
/// `clusterd fix` exactly where fix does something.
package enum Mend: Sendable, Hashable, Codable {
    /// Folders, or files in one, go to quarantine.
    case setAside(SetAside)
    /// An append-only file that ends in the middle of a command, or in something that is none, is cut there.
    case repairAppendOnly(RepairAppendOnly)
    /// CLUSTER FORGET, on every node.
    case forget(Forget)
    /// A replica goes back to the shard that it was formed in.
    case follow(Follow)
    /// A slot that is half moved stays where it is.
    case closeSlot(Int)
    /// Slots go back to the node of which all others know that it has them.
    case addSlots(AddSlots)

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

    package struct RepairAppendOnly: Sendable, Hashable, Codable {
        package var member: NodeName
        package var directory: String
        /// Within it: the last part of the append-only file.
        package var file: String
        /// All that holds the append-only file: names within the directory.
        package var names: [String]
        package var bytes: Int64
        /// How many of them, from the beginning, are whole commands.
        package var goodBytes: Int64
        /// The process that could not load it.
        package var process: ProcessIdentity
        package var folder: String?
        /// Whether it is cut: from then on the node may be started.
        package var isDone = false

        package init(
            member: NodeName, directory: String, file: String, names: [String], bytes: Int64, goodBytes: Int64,
            process: ProcessIdentity
        ) {
            self.member = member
            self.directory = directory
            self.file = file
            self.names = names
            self.bytes = bytes
            self.goodBytes = goodBytes
            self.process = process
        }

        package var path: String { "\(directory)/\(file)" }
    }

    package struct Forget: Sendable, Hashable, Codable {
        package var id: NodeID

        package init(_ id: NodeID) { self.id = id }
    }

    package struct Follow: Sendable, Hashable, Codable {
        package var member: NodeName
        package var master: NodeName

        package init(member: NodeName, master: NodeName) {
            self.member = member
            self.master = master
        }
    }

    package struct AddSlots: Sendable, Hashable, Codable {
        package var member: NodeName
        package var slots: SlotSet

        package init(member: NodeName, slots: SlotSet) {
            self.member = member
            self.slots = slots
        }
    }

    /// What a person, or a program, says yes to: the same for as long as it would do the same.
    package var id: String {
        switch self {
        case .setAside(let move): "set-aside \(move.path)"
        case .repairAppendOnly(let repair):
            "repair-append-only \(repair.member) \(repair.goodBytes)/\(repair.bytes)"
        case .forget(let forget): "forget \(forget.id)"
        case .follow(let follow): "follow \(follow.member) \(follow.master)"
        case .closeSlot(let slot): "close-slot \(slot)"
        case .addSlots(let add): "add-slots \(add.member) \(add.slots)"
        }
    }

    /// The node that it is about, where that is one of the cluster.
    package var node: NodeName? {
        switch self {
        case .setAside(let move): move.member
        case .repairAppendOnly(let repair): repair.member
        case .follow(let follow): follow.member
        case .addSlots(let add): add.member
        case .forget, .closeSlot: nil
        }
    }

    /// Where keys lie that it is about.
    package var folder: String? {
        switch self {
        case .setAside(let move): move.path
        case .repairAppendOnly, .forget, .follow, .closeSlot, .addSlots: nil
        }
    }

    /// What it does, in words.
    package var text: String {
        switch self {
        case .setAside(let move):
            move.member.map { "move what is in \(move.path) to quarantine/, and start \($0) as the member that it was" }
                ?? "move \(move.path) to quarantine/"
        case .repairAppendOnly(let repair):
            "keep \(repair.names.joined(separator: " ")) in quarantine/, let the engine's own check-aof cut the last "
                + "\(repair.bytes - repair.goodBytes) of the \(repair.bytes) bytes of \(repair.path), and start "
                + "\(repair.member): what was written in those bytes is lost to the cluster"
        case .forget(let forget): "let every node forget \(forget.id.short) (CLUSTER FORGET)"
        case .follow(let follow):
            "let \(follow.member) follow \(follow.master) again (CLUSTER REPLICATE): its data are copies, and come anew"
        case .closeSlot(let slot):
            "leave slot \(slot) where its keys are (CLUSTER SETSLOT STABLE): who was to take it has none of them"
        case .addSlots(let add):
            "give \(add.member) its \(add.slots.count == 1 ? "slot" : "slots") \(add.slots) again (CLUSTER ADDSLOTS), which all "
                + "others know as its own: the keys are still there"
        }
    }

    /// The same, with what is decided when it is asked for.
    package func begun(at wall: WallTime) -> Mend {
        switch self {
        case .setAside(var move):
            move.folder = "\(stamp(wall))-\(move.label)"
            return .setAside(move)
        case .repairAppendOnly(var repair):
            repair.folder = "\(stamp(wall))-\(repair.member)-append-only"
            return .repairAppendOnly(repair)
        case .forget, .follow, .closeSlot, .addSlots: return self
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
