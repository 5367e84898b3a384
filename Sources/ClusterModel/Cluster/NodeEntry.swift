/// One node as a CLUSTER NODES reply or a nodes.conf describes it: one line (`clusterGenNodeDescription`, src/cluster.c;
/// from 7.2 on src/cluster_legacy.c). All but its times is behind one pointer: entries are copied all the time, and seldom say anything new.
package struct NodeEntry: Sendable {
    private final class Storage: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private struct Fields: Hashable, Sendable {
        var id: NodeID
        var host: String
        var ports: PortPair
        var hostname: String?
        var auxiliary: Auxiliary = []
        var flags: Flags = []
        var masterID: NodeID?
        var configEpoch: UInt64 = 0
        var linkConnected = true
        var slots = SlotSet()
        var migrating: [OpenSlot] = []
        var importing: [OpenSlot] = []
    }

    private var storage: Storage
    /// Milliseconds since 1970; 0: no ping is pending.
    package var pingSent: Int64 = 0
    /// Milliseconds since 1970.
    package var pongReceived: Int64 = 0

    package init(id: NodeID, host: String, ports: PortPair) {
        storage = Storage(Fields(id: id, host: host, ports: ports))
    }

    package var id: NodeID {
        get { storage.fields.id }
        set { if newValue != storage.fields.id { change { $0.id = newValue } } }
    }
    /// An address as the engine shows it: IPv4, IPv6 without brackets, or a name. Empty if none is known: for the node itself before a peer
    /// has told it, and with the flag `noaddr`.
    package var host: String {
        get { storage.fields.host }
        set { if newValue != storage.fields.host { change { $0.host = newValue } } }
    }
    /// Both 0 if no address is known.
    package var ports: PortPair {
        get { storage.fields.ports }
        set { if newValue != storage.fields.ports { change { $0.ports = newValue } } }
    }
    package var hostname: String? {
        get { storage.fields.hostname }
        set { if newValue != storage.fields.hostname { change { $0.hostname = newValue } } }
    }
    package var auxiliary: Auxiliary {
        get { storage.fields.auxiliary }
        set { if newValue != storage.fields.auxiliary { change { $0.auxiliary = newValue } } }
    }
    package var flags: Flags {
        get { storage.fields.flags }
        set { if newValue != storage.fields.flags { change { $0.flags = newValue } } }
    }
    package var masterID: NodeID? {
        get { storage.fields.masterID }
        set { if newValue != storage.fields.masterID { change { $0.masterID = newValue } } }
    }
    /// For a replica: its master's.
    package var configEpoch: UInt64 {
        get { storage.fields.configEpoch }
        set { if newValue != storage.fields.configEpoch { change { $0.configEpoch = newValue } } }
    }
    package var linkConnected: Bool {
        get { storage.fields.linkConnected }
        set { if newValue != storage.fields.linkConnected { change { $0.linkConnected = newValue } } }
    }
    package var slots: SlotSet {
        get { storage.fields.slots }
        set { if newValue != storage.fields.slots { change { $0.slots = newValue } } }
    }
    package var migrating: [OpenSlot] {
        get { storage.fields.migrating }
        set { if newValue != storage.fields.migrating { change { $0.migrating = newValue } } }
    }
    package var importing: [OpenSlot] {
        get { storage.fields.importing }
        set { if newValue != storage.fields.importing { change { $0.importing = newValue } } }
    }

    private mutating func change(_ edit: (inout Fields) -> Void) {
        var fields = storage.fields
        edit(&fields)
        storage = Storage(fields)
    }

    /// Whether both are one description, apart from their times: known without a comparison. False proves nothing.
    package func isCopy(of other: NodeEntry) -> Bool { storage === other.storage }

    /// It is to take its slots from its ghost (`NodeID.ghost`).
    package var followsGhost: Bool { masterID == id.ghost }

    package var shardID: NodeID? { auxiliary["shard-id"].flatMap { NodeID($0) } }

    /// A slot that a node is migrating to another node or importing from one.
    package struct OpenSlot: Hashable, Sendable {
        package var slot: Int
        package var node: NodeID

        package init(slot: Int, node: NodeID) {
            self.slot = slot
            self.node = node
        }
    }

    /// `redisNodeFlagsTable`, src/cluster.c. An empty set is written `noflags`.
    package struct Flags: OptionSet, Hashable, Sendable, CustomStringConvertible {
        package let rawValue: UInt16

        package init(rawValue: UInt16) { self.rawValue = rawValue }

        package static let myself = Flags(rawValue: 1)
        package static let master = Flags(rawValue: 2)
        /// `slave`.
        package static let replica = Flags(rawValue: 4)
        /// `fail?`: only this view considers it failed.
        package static let pfail = Flags(rawValue: 8)
        package static let fail = Flags(rawValue: 16)
        package static let handshake = Flags(rawValue: 32)
        package static let noaddr = Flags(rawValue: 64)
        package static let nofailover = Flags(rawValue: 128)

        /// In the order in which the engine writes them.
        private static let words: [(flag: Flags, word: String)] = [
            (.myself, "myself"), (.master, "master"), (.replica, "slave"), (.pfail, "fail?"), (.fail, "fail"),
            (.handshake, "handshake"), (.noaddr, "noaddr"), (.nofailover, "nofailover"),
        ]

        init?(word: some Sequence<UInt8>) {
            if word.elementsEqual("noflags".utf8) {
                self = []
            } else if let known = Self.words.first(where: { word.elementsEqual($0.word.utf8) }) {
                self = known.flag
            } else {
                return nil
            }
        }

        package var description: String {
            let words = Self.words.filter { contains($0.flag) }.map(\.word)
            return words.isEmpty ? "noflags" : words.joined(separator: ",")
        }
    }

    /// `name=value` fields after the address (Redis 7.2 and later, Valkey), in the order of the file. The engine shows them only in its
    /// nodes.conf, not in CLUSTER NODES.
    package struct Auxiliary: Hashable, Sendable, ExpressibleByArrayLiteral {
        package struct Field: Hashable, Sendable {
            package var name: String
            package var value: String
        }

        package var fields: [Field] = []

        package init(arrayLiteral pairs: (String, String)...) {
            fields = pairs.map { Field(name: $0.0, value: $0.1) }
        }

        package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

        package mutating func append(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }
    }
}

extension NodeEntry: Hashable {
    package static func == (a: NodeEntry, b: NodeEntry) -> Bool {
        a.pingSent == b.pingSent && a.pongReceived == b.pongReceived
            && (a.storage === b.storage || a.storage.fields == b.storage.fields)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(pingSent)
        hasher.combine(pongReceived)
        hasher.combine(storage.fields)
    }
}
