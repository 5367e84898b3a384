import ClusterModel

/// The nodes.conf with which a node starts: written, not negotiated, so that the node boots into the existing cluster (invariant:
/// slots-kept).
extension Turn {
    func nodesFile(for member: Member, _ topology: Topology) -> NodesFile {
        // No replica starts before the last ghost is forgotten.
        let unborn = topology.owns(member.id) ? topology.unborn : []
        var entries = members.compactMap { other in
            unborn.contains(other.id)
                ? unbornEntry(for: other, myself: other.id == member.id, topology)
                : entry(for: other, myself: other.id == member.id, topology)
        }
        entries += members.filter { unborn.contains($0.id) }.compactMap { ghostEntry(of: $0, topology) }
        return NodesFile(
            view: NodesView(entries: entries), currentEpoch: topology.currentEpoch,
            // As if it had voted in every past epoch: a rewritten file must not give it a second vote (docs/engines.md).
            lastVoteEpoch: topology.currentEpoch)
    }

    private func entry(for member: Member, myself: Bool, _ topology: Topology) -> NodeEntry? {
        guard let standing = topology.standings[member.id] else { return nil }
        let master = topology.master(of: member.id)
        let isMaster = master == nil || master == member.id
        var entry = NodeEntry(id: member.id, host: spec.announcedHost, ports: member.ports)
        entry.flags = isMaster ? .master : .replica
        if myself { entry.flags.insert(.myself) }
        entry.masterID = isMaster ? nil : master
        entry.configEpoch = isMaster ? standing.configEpoch : topology.standings[master ?? member.id]?.configEpoch ?? 0
        // The node's own epoch. An engine writes its master's epoch there, and reads it as its own: a takeover then makes no new epoch if
        // that is the highest of all (docs/engines.md), and the other nodes do not accept it.
        if myself, !isMaster { entry.configEpoch = 0 }
        entry.linkConnected = true
        entry.slots = isMaster ? standing.slots : SlotSet()
        let shardID = (isMaster ? member : master.flatMap { find(id: $0) } ?? member).shardID
        entry.auxiliary = auxiliary(shardID)
        return entry
    }

    /// An engine that does not know them does not get them: `NodeEntry.line`.
    private func auxiliary(_ shardID: NodeID) -> NodeEntry.Auxiliary {
        seen.engine.knowsShardIDs ? [(Self.otherPort(spec), "0"), ("shard-id", shardID.text)] : []
    }

    /// A master that is to take its slots from its ghost. Its own epoch is 0, so that the takeover makes a new one.
    private func unbornEntry(for member: Member, myself: Bool, _ topology: Topology) -> NodeEntry? {
        guard let standing = topology.standings[member.id] else { return nil }
        var entry = NodeEntry(id: member.id, host: spec.announcedHost, ports: member.ports)
        entry.flags = myself ? [.replica, .myself] : .replica
        entry.masterID = member.id.ghost
        entry.configEpoch = myself ? 0 : standing.configEpoch
        entry.auxiliary = auxiliary(member.shardID)
        return entry
    }

    /// Nothing listens on port 1, and no node has this id.
    private func ghostEntry(of member: Member, _ topology: Topology) -> NodeEntry? {
        guard let standing = topology.standings[member.id] else { return nil }
        var entry = NodeEntry(id: member.id.ghost, host: "127.0.0.1", ports: PortPair(client: 1, bus: 1))
        entry.flags = .master
        entry.configEpoch = standing.configEpoch
        entry.slots = standing.slots
        entry.auxiliary = auxiliary(member.shardID)
        return entry
    }

    /// Whether the node would start in its role and on its ports, whatever the file says about others.
    func agreesOnItself(_ file: NodesFile, with planned: NodesFile) -> Bool {
        guard let have = file.view.myself, let wanted = planned.view.myself else { return false }
        return have.id == wanted.id && have.flags.contains(.master) == wanted.flags.contains(.master)
            && have.masterID == wanted.masterID && have.slots == wanted.slots && have.ports == wanted.ports
            && isForOurPorts(have)
    }

    /// The name of the port that is not in the address: the one by which nodes know each other (`tls_primary`, src/cluster_legacy.c).
    private static func otherPort(_ spec: ClusterSpec) -> String { spec.speaksTLS ? "tcp-port" : "tls-port" }

    /// Read with TLS, a file written without TLS would have no port, and vice versa.
    private func isForOurPorts(_ entry: NodeEntry) -> Bool {
        entry.auxiliary[spec.speaksTLS ? "tls-port" : "tcp-port"] == nil
    }

    /// Whether the file on disk leads to the same cluster, so that it can stay as the engine wrote it.
    func agrees(_ file: NodesFile, with planned: NodesFile) -> Bool {
        guard file.currentEpoch >= planned.currentEpoch || planned.currentEpoch == 0,
            file.view.myself?.id == planned.view.myself?.id
        else { return false }
        let known = Dictionary(file.view.entries.map { ($0.id, $0) }) { first, _ in first }
        for entry in planned.view.entries {
            guard let have = known[entry.id], have.flags.contains(.master) == entry.flags.contains(.master),
                have.masterID == entry.masterID, have.slots == entry.slots, have.ports == entry.ports,
                !have.flags.contains(.myself) || have.flags.contains(.master) || have.configEpoch == 0,
                have.host == entry.host || (have.host.isEmpty && have.flags.contains(.myself)),
                !have.flags.contains(.noaddr), !have.flags.contains(.handshake),
                isForOurPorts(have)
            else { return false }
        }
        return file.view.entries.allSatisfy { entry in
            planned.view.entries.contains { $0.id == entry.id } || entry.slots.isEmpty
        }
    }
}
