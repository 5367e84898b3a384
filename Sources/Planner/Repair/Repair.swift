import ClusterModel

/// What `fix` can do about one finding, once the operator has confirmed it. It is attached to the finding that it repairs, so that a hint
/// names `clusterd fix` exactly where fix does something (invariant: confirmed-repair).
package enum Repair: Sendable, Hashable, Codable {
    /// Folders, or files in one, go to quarantine.
    case setAside(SetAside)
    /// An append-only file that ends within a command, or in data that is not a command, is cut there.
    case repairAppendOnly(RepairAppendOnly)
    /// The manifest of an append-only file is written for the existing parts.
    case writeManifest(WriteManifest)
    /// A member that was reset or removed by hand is restarted in its place of the cluster.
    case rejoin(Rejoin)
    /// CLUSTER FORGET, on every node.
    case forget(Forget)
    /// A replica goes back to the shard that it was formed in.
    case follow(Follow)
    /// A half moved slot stays where it is.
    case closeSlot(Int)
    /// A half moved slot goes, with its keys, where its move was to bring it.
    case finishMove(MoveKeys)
    /// Keys of a slot that their node imports, and nothing else, go back to its owner.
    case returnKeys(MoveKeys)
    /// Slots that no node owns go back to the node that had them.
    case addSlots(AddSlots)
    /// Nothing says which slots these nodes have: they start with the slots that they had when the cluster was last whole.
    case restoreSlots(RestoreSlots)

    package struct SetAside: Sendable, Hashable, Codable {
        /// The member in whose place the files are, which is then started; nil: none.
        package var member: NodeName?
        /// Their name in the quarantine: a node's name, or the folder's.
        package var label: String
        /// Absolute.
        package var directory: String
        /// Names within it.
        package var files: [String]
        /// The reason, for the note.
        package var why: String
        /// In `quarantine/`; assigned when the repair is requested.
        package var folder: String?

        package init(member: NodeName?, label: String, directory: String, files: [String], why: String) {
            self.member = member
            self.label = label
            self.directory = directory
            self.files = files
            self.why = why
        }

        /// The node's folder, whether it is moved as a whole or only its contents.
        package var path: String { member == nil ? "\(directory)/\(files[0])" : directory }
    }

    package struct RepairAppendOnly: Sendable, Hashable, Codable {
        package var member: NodeName
        package var directory: String
        /// Within it: the last part of the append-only file.
        package var file: String
        /// All files of the append-only file: names within the directory.
        package var names: [String]
        package var bytes: Int64
        /// How many of them, from the beginning, are complete commands.
        package var goodBytes: Int64
        /// The process that could not load it.
        package var process: ProcessIdentity
        package var folder: String?
        /// Whether it is cut: from then on the node may start.
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

    package struct WriteManifest: Sendable, Hashable, Codable {
        package var member: NodeName
        package var directory: String
        /// Within it: the manifest.
        package var file: String
        /// The contents that it gets.
        package var text: String
        /// All files of the append-only file: names within the directory.
        package var names: [String]
        /// The parts that it names, without their folder.
        package var parts: [String]
        /// The last process that ended here; nil: none that was seen.
        package var process: ProcessIdentity?
        package var folder: String?
        /// Whether it is written: from then on the node may start.
        package var isDone = false

        package init(
            member: NodeName, directory: String, file: String, text: String, names: [String], parts: [String],
            process: ProcessIdentity?
        ) {
            self.member = member
            self.directory = directory
            self.file = file
            self.text = text
            self.names = names
            self.parts = parts
            self.process = process
        }

        package var path: String { "\(directory)/\(file)" }
    }

    package struct Rejoin: Sendable, Hashable, Codable {
        package var member: NodeName
        /// The master that it will follow; nil: it takes its own place again, with the slots that the others know as its own.
        package var master: NodeName?
        /// The process that was reset.
        package var process: ProcessIdentity
        /// Another node ID that it answers with, if other nodes know it by that ID: they forget it.
        package var strayID: NodeID?
        /// What it holds (`300 keys`), all of it from before its master took over: kept in quarantine before it follows. nil: nothing.
        package var holds: String?

        package init(member: NodeName, master: NodeName?, process: ProcessIdentity) {
            self.member = member
            self.master = master
            self.process = process
        }
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
        /// How many keys of these slots it has, if nothing says which node had them before; nil: it had them.
        package var keys: Int64?

        package init(member: NodeName, slots: SlotSet, keys: Int64? = nil) {
            self.member = member
            self.slots = slots
            self.keys = keys
        }

        /// The reason why it gets them.
        fileprivate var reason: String {
            switch keys {
            case nil: "it had them before, and no other node claims them; it serves the keys that it has there again"
            case 0?: "no node claims them, and no node has a key of them"
            case let count?: "no node claims them, and it has the most of their keys (\(count))"
            }
        }
    }

    package struct RestoreSlots: Sendable, Hashable, Codable {
        package struct Owner: Sendable, Hashable, Codable {
            package var member: NodeName
            package var slots: SlotSet

            package init(member: NodeName, slots: SlotSet) {
                self.member = member
                self.slots = slots
            }
        }

        package var owners: [Owner]

        package init(owners: [Owner]) { self.owners = owners }
    }

    /// What the operator, or a program, confirms: the same for as long as the repair would do the same.
    package var id: String {
        switch self {
        case .setAside(let move): "set-aside \(move.path)"
        case .repairAppendOnly(let repair):
            "repair-append-only \(repair.member) \(repair.goodBytes)/\(repair.bytes)"
        case .writeManifest(let write): "write-manifest \(write.member) \(write.parts.joined(separator: " "))"
        case .rejoin(let rejoin):
            "rejoin \(rejoin.member) \(rejoin.master?.text ?? "as it was")"
                + (rejoin.holds == nil ? "" : " keeping its keys")
        case .forget(let forget): "forget \(forget.id)"
        case .follow(let follow): "follow \(follow.member) \(follow.master)"
        case .closeSlot(let slot): "close-slot \(slot)"
        case .finishMove(let move): "finish-move \(move.from) \(move.to) \(move.slots)"
        case .returnKeys(let move): "return-keys \(move.from) \(move.to) \(move.slots)"
        case .addSlots(let add): "add-slots \(add.member) \(add.slots)"
        case .restoreSlots(let restore):
            "restore-slots " + restore.owners.map { "\($0.member) \($0.slots)" }.joined(separator: " ")
        }
    }

    /// The node that the repair is about, if it is a member of the cluster.
    package var node: NodeName? {
        switch self {
        case .setAside(let move): move.member
        case .repairAppendOnly(let repair): repair.member
        case .writeManifest(let write): write.member
        case .rejoin(let rejoin): rejoin.member
        case .follow(let follow): follow.member
        case .addSlots(let add): add.member
        case .finishMove(let move), .returnKeys(let move): move.from
        case .forget, .closeSlot, .restoreSlots: nil
        }
    }

    /// The folder of the keys that the repair is about.
    package var folder: String? {
        switch self {
        case .setAside(let move): move.path
        case .repairAppendOnly, .writeManifest, .rejoin, .forget, .follow, .closeSlot, .finishMove, .returnKeys,
            .addSlots, .restoreSlots:
            nil
        }
    }

    /// What it does, in words.
    package var text: String {
        switch self {
        case .setAside(let move):
            move.member.map {
                "move the contents of \(move.path) to quarantine/, and start \($0) as the member that it was"
            }
                ?? "move \(move.path) to quarantine/"
        case .repairAppendOnly(let repair):
            "copy \(repair.names.joined(separator: " ")) to quarantine/, let the engine's own check-aof cut the last "
                + "\(repair.bytes - repair.goodBytes) of the \(repair.bytes) bytes of \(repair.path), and start "
                + "\(repair.member): the cluster loses the writes in those bytes"
        case .writeManifest(let write):
            "copy \(write.names.joined(separator: " ")) to quarantine/, write \(write.path) for \(write.parts.joined(separator: " and ")), "
                + "and start \(write.member): the engine loads all of it, or rejects it and changes nothing"
        case .rejoin(let rejoin):
            "restart \(rejoin.member)\(rejoin.holds == nil && rejoin.strayID == nil ? ", which holds no keys," : "") "
                + (rejoin.master.map { "as replica of \($0)" } ?? "as the master that the other nodes know")
                + ": clusterd writes its nodes.conf"
                + (rejoin.strayID.map { ", and the other nodes forget \($0.short) (CLUSTER FORGET)" } ?? "")
                + (rejoin.holds.map { ", and keeps what it holds (\($0)) in quarantine/ before it follows" } ?? "")
        case .forget(let forget): "make every node forget \(forget.id.short) (CLUSTER FORGET)"
        case .follow(let follow):
            "make \(follow.member) follow \(follow.master) again (CLUSTER REPLICATE): its data are copies, and it copies them again"
        case .closeSlot(let slot):
            "leave slot \(slot) where its keys are (CLUSTER SETSLOT STABLE): the importing node has none of them"
        case .finishMove(let move):
            "save what \(move.to) holds to quarantine/, and move the rest of \(move.slots.named) there (MIGRATE), as "
                + "\(move.from) was doing; if both have a key, the value of \(move.from), the owner, is kept"
        case .returnKeys(let move):
            "save what \(move.from) holds to quarantine/, and move \(move.amount) from there to \(move.to) (MIGRATE), the "
                + "owner; if both have a key, the value of \(move.to) is kept"
        case .addSlots(let add):
            "assign \(add.member) \(add.keys == nil ? "its" : "the") \(add.slots.count == 1 ? "slot" : "slots") \(add.slots)"
                + "\(add.keys == nil ? " again" : "") (CLUSTER ADDSLOTS): \(add.reason)"
        case .restoreSlots(let restore):
            "write nodes.conf with the slots that the nodes had when the cluster was last whole ("
                + restore.owners.map { "\($0.member): \($0.slots)" }.joined(separator: "; ") + "), and start them"
        }
    }

    /// The same repair, with the values that are decided when it is requested.
    package func begun(at wall: WallTime) -> Repair {
        switch self {
        case .setAside(var move):
            move.folder = "\(stamp(wall))-\(move.label)"
            return .setAside(move)
        case .repairAppendOnly(var repair):
            repair.folder = "\(stamp(wall))-\(repair.member)-append-only"
            return .repairAppendOnly(repair)
        case .writeManifest(var write):
            write.folder = "\(stamp(wall))-\(write.member)-append-only"
            return .writeManifest(write)
        case .finishMove(var move):
            move.folder = "\(stamp(wall))-\(move.to)-keys"
            return .finishMove(move)
        case .returnKeys(var move):
            move.folder = "\(stamp(wall))-\(move.from)-keys"
            return .returnKeys(move)
        case .rejoin, .forget, .follow, .closeSlot, .addSlots, .restoreSlots: return self
        }
    }
}
