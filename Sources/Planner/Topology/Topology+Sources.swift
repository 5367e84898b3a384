import ClusterModel

/// The sources of the topology: live views by highest config epoch, otherwise the nodes.conf files by highest epoch. Never the record
/// (invariant: highest-epoch).
extension Turn {
    func believedTopology(_ survey: Observation.Survey) -> Topology {
        var sources: [Topology.Source] = []
        for member in members where !member.joining || running(member.name) != nil {
            if let source = live(member) {
                sources.append(source)
            } else if let file = survey.directories.first(where: { $0.path == member.directory })?.parsed,
                file.view.myself?.id == member.id, !member.joining
            {
                sources.append(.init(view: file.view, currentEpoch: file.currentEpoch, live: false))
            }
        }
        var topology = Topology(sources)
        // A survey from before the first start shows the ghosts for as long as nothing asks for another.
        let isForming = decision.record?.ghosts == true
        for member in members { topology.replaceGhost(of: member.id, isForming: isForming) }
        awaitBirths(in: &topology)
        restoreSlots(&topology)
        for member in members where member.awaitsSlots == true { topology.addEmptyMaster(member.id) }
        // No source knows it, or what is known about it leads nowhere: it belongs to its shard.
        for member in members where topology.master(of: member.id) == nil {
            let master = members.first { $0.shard == member.shard && topology.owns($0.id) }
            if let master { topology.add(member.id, replicaOf: master.id) }
        }
        topology.place(members)
        return topology
    }

    /// A running node's last report, however old: its file on disk is older still. A node that is still loading has read its nodes.conf and
    /// cannot report it; then its file counts.
    private func live(_ member: Member) -> Topology.Source? {
        guard let report = lastHeard(member) else { return nil }
        return .init(view: report.view, currentEpoch: report.currentEpoch, live: true)
    }
}
