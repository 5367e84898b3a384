/// One node as a CLUSTER NODES reply or a nodes.conf describes it: one line (`clusterGenNodeDescription`, src/cluster.c;
/// from 7.2 on src/cluster_legacy.c).
package struct NodeEntry: Hashable, Sendable {
    package var id: NodeID
    /// An address as the engine shows it: IPv4, IPv6 without brackets, or a name. Empty if none is known: for the node itself before a peer
    /// has told it, and with the flag `noaddr`.
    package var host: String
    /// Both 0 if no address is known.
    package var ports: PortPair
    package var hostname: String?
    package var auxiliary: Auxiliary = []
    package var flags: Flags = []
    package var masterID: NodeID?
    /// Milliseconds since 1970; 0: no ping is pending.
    package var pingSent: Int64 = 0
    /// Milliseconds since 1970.
    package var pongReceived: Int64 = 0
    /// For a replica: its master's.
    package var configEpoch: UInt64 = 0
    package var linkConnected = true
    package var slots = SlotSet()
    package var migrating: [OpenSlot] = []
    package var importing: [OpenSlot] = []

    package init(id: NodeID, host: String, ports: PortPair) {
        self.id = id
        self.host = host
        self.ports = ports
    }

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
