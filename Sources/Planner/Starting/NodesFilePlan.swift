import ClusterModel

/// The nodes.conf that a node is to start with: written, not negotiated, so that it boots into the cluster that is
/// (invariant: slots-kept).
extension Turn {
    func nodesFile(for member: Member, _ topology: Topology) -> NodesFile {
        let entries = members.compactMap { other in entry(for: other, myself: other.id == member.id, topology) }
        return NodesFile(
            view: NodesView(entries: entries), currentEpoch: topology.currentEpoch,
            // As if it had voted in every epoch there was: a rewritten file must not give a second vote (docs/engines.md).
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
        // Its own one. An engine writes its master's there, and reads it as its own: a takeover makes no new epoch then,
        // where that is the highest of all (docs/engines.md), and nobody believes it.
        if myself, !isMaster { entry.configEpoch = 0 }
        entry.linkConnected = true
        entry.slots = isMaster ? standing.slots : SlotSet()
        if seen.engine.knowsShardIDs {
            let shardID = (isMaster ? member : master.flatMap { decision.record?.member(id: $0) } ?? member).shardID
            entry.auxiliary = [(Self.otherPort(spec), "0"), ("shard-id", shardID.text)]
        }
        return entry
    }

    /// Whether the node would start as what it is to be, on its ports, whatever the file says of others.
    func agreesOnItself(_ file: NodesFile, with planned: NodesFile) -> Bool {
        guard let have = file.view.myself, let wanted = planned.view.myself else { return false }
        return have.id == wanted.id && have.flags.contains(.master) == wanted.flags.contains(.master)
            && have.masterID == wanted.masterID && have.slots == wanted.slots && have.ports == wanted.ports
            && isForOurPorts(have)
    }

    /// The name of the port that is not in the address: that is the one by which nodes know each other (`tls_primary`,
    /// src/cluster_legacy.c).
    private static func otherPort(_ spec: ClusterSpec) -> String { spec.speaksTLS ? "tcp-port" : "tls-port" }

    /// Read with TLS, what was written without it would have no port, and the other way round.
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
