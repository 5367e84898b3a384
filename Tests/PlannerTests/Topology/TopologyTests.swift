import ClusterModel
import Testing

@testable import Planner

/// Invariant: highest-epoch.
@Suite struct TopologyTests {
    private static let (a, b) = (Scene.id("7000"), Scene.id("7003"))

    private static func view(_ myself: NodeID, _ entries: (id: NodeID, epoch: UInt64, master: NodeID?)...) -> NodesView
    {
        NodesView(
            entries: entries.map { id, epoch, master in
                var entry = NodeEntry(id: id, host: "127.0.0.1", ports: PortPair(client: id == a ? 7000 : 7003))
                entry.flags = master == nil ? .master : .replica
                if id == myself { entry.flags.insert(.myself) }
                entry.masterID = master
                entry.configEpoch = epoch
                if master == nil { entry.slots = SlotSet(0...16383) }
                return entry
            })
    }

    /// The engine may take over without a new epoch (docs/engines.md). The running node takes precedence: the other one
    /// is dead, and returns as its replica.
    @Test func atTheSameEpochARunningNodeTakesPrecedenceOverARecordedOne() {
        let live = Topology.Source(view: Self.view(Self.b, (Self.b, 3, nil)), currentEpoch: 3, live: true)
        let file = Topology.Source(
            view: Self.view(Self.a, (Self.a, 3, nil), (Self.b, 3, Self.a)), currentEpoch: 3, live: false)
        let topology = Topology([file, live])
        #expect(topology.owns(Self.b) && !topology.owns(Self.a))
        #expect(topology.master(of: Self.a) == Self.b)
    }

    /// clusterd writes 0 as a replica's own epoch; the replica's nodes.conf still is as new as its master's epoch.
    @Test func theNodesFileOfAReplicaIsAsNewAsItsMastersEpoch() {
        let own = Topology.Source(
            view: Self.view(Self.a, (Self.a, 0, Self.b), (Self.b, 5, nil)), currentEpoch: 5, live: false)
        let old = Topology.Source(
            view: Self.view(Self.b, (Self.a, 3, nil), (Self.b, 3, Self.a)), currentEpoch: 3, live: false)
        let topology = Topology([old, own])
        #expect(topology.standings[Self.a]?.role == .replica && topology.owns(Self.b))
    }

    /// A replica took over and exited before all other nodes received its claim: the knowledge of one of them counts.
    @Test(arguments: [false, true]) func aSlotClaimThatOnlyOneNodeReceivedStands(isReversed: Bool) {
        let (old, candidate, other, third) = (Self.a, Self.b, Scene.id("7001"), Scene.id("7002"))
        // The old master has told this node that it was replaced; the new master has told it nothing.
        let unaware = Topology.Source(
            view: Self.view(other, (old, 4, candidate), (candidate, 0, old), (other, 1, candidate)), currentEpoch: 4,
            live: true)
        var roleOnly = Topology.Source(
            view: Self.view(third, (old, 4, candidate), (candidate, 4, nil), (third, 2, candidate)), currentEpoch: 4,
            live: true)
        roleOnly.view.entries[1].slots = SlotSet()
        let aware = Topology.Source(
            view: Self.view(old, (old, 4, candidate), (candidate, 4, nil)), currentEpoch: 4, live: true)
        let sources = [unaware, roleOnly, aware]
        let topology = Topology(isReversed ? sources.reversed() : sources)
        #expect(topology.owns(candidate) && topology.covered == .all)
        #expect(topology.master(of: old) == candidate)
    }
}
