import ClusterModel

/// Which node owns which slots and which node follows which, from all trusted sources: live views by highest config epoch, otherwise the
/// nodes.conf files by highest config epoch. Every slot has at most one owner here (invariant: highest-epoch).
package struct Topology: Sendable, Equatable {
    package struct Standing: Sendable, Equatable {
        package var role: Role
        /// The master that it follows, as last reported; resolve it with `master(of:)`.
        package var masterID: NodeID?
        package var configEpoch: UInt64
        /// What it owns after all claims were compared.
        package var slots = SlotSet()
        /// All slots that any source saw it claim, even if another's epoch is higher now: leads to its successor.
        package var claimed = SlotSet()
    }

    package private(set) var standings: [NodeID: Standing] = [:]
    /// The highest epoch in any source.
    package private(set) var currentEpoch: UInt64 = 0
    package private(set) var covered = SlotSet()
    /// Masters that have not taken their slots from their ghosts yet.
    package private(set) var unborn: Set<NodeID> = []
    /// Masters that have no slots yet.
    private var emptyMasters: Set<NodeID> = []

    /// The rank of a source of the same epoch: a live node about itself, live nodes about others, a node's own file, other nodes' files.
    private enum Trust: Int, Comparable {
        case otherFile, ownFile, otherView, itself

        static func < (a: Trust, b: Trust) -> Bool { a.rawValue < b.rawValue }
    }

    package struct Source: Sendable {
        package var view: NodesView
        package var currentEpoch: UInt64
        package var live: Bool

        package init(view: NodesView, currentEpoch: UInt64, live: Bool) {
            self.view = view
            self.currentEpoch = currentEpoch
            self.live = live
        }
    }

    package init(_ all: [Source]) {
        let sources = Self.withoutCut(all)
        var best: [NodeID: (trust: Trust, entry: NodeEntry)] = [:]
        var everClaimed: [NodeID: SlotSet] = [:]
        func take(_ original: NodeEntry, from source: Source) {
            var entry = original
            guard !entry.flags.contains(.handshake) else { return }
            entry.configEpoch = source.view.epoch(of: entry)
            currentEpoch = max(currentEpoch, entry.configEpoch)
            everClaimed[entry.id] = (everClaimed[entry.id] ?? SlotSet()).union(entry.slots)
            let trust: Trust =
                switch (source.live, entry.flags.contains(.myself)) {
                case (true, true): .itself
                case (true, false): .otherView
                case (false, true): .ownFile
                case (false, false): .otherFile
                }
            if let old = best[entry.id], !Self.isBetter(trust, entry, than: old.trust, old.entry) { return }
            best[entry.id] = (trust, entry)
        }
        var heard = Set<NodesView.Digest>()
        for source in sources {
            currentEpoch = max(currentEpoch, source.currentEpoch)
            if source.live, !heard.insert(source.view.digest).inserted {
                // Another node reported the same: only what this one says about itself counts for more.
                if let myself = source.view.myself { take(myself, from: source) }
            } else {
                for entry in source.view.entries { take(entry, from: source) }
            }
        }
        // Of two claims at the same epoch, a running node's own report wins: another node that is only remembered cannot object.
        let claims = best.map { id, claim in
            (id: id, epoch: claim.entry.configEpoch, isOwn: claim.trust == .itself ? 1 : 0, entry: claim.entry)
        }.sorted { a, b in (b.epoch, b.isOwn, a.id) < (a.epoch, a.isOwn, b.id) }
        standings.reserveCapacity(claims.count)
        for (id, _, _, entry) in claims {
            let isMaster = entry.flags.contains(.master)
            let owned = isMaster ? entry.slots.subtracting(covered) : SlotSet()
            covered = covered.union(owned)
            standings[id] = Standing(
                role: isMaster ? .master : .replica, masterID: isMaster ? nil : entry.masterID,
                configEpoch: entry.configEpoch, slots: owned,
                claimed: isMaster ? everClaimed[id] ?? SlotSet() : SlotSet())
        }
    }

    /// A file that was cut in its slot list in front of the `vars` line of an older one is valid by its grammar, and the engine starts with
    /// the rest (docs/engines.md; invariant: slots-kept). The files of the others reveal it: one of at least its epoch covers more.
    private static func withoutCut(_ sources: [Source]) -> [Source] {
        let files = sources.map { $0.live ? nil : $0.view.coveredSlots }
        return sources.indices.filter { index in
            guard let covered = files[index] else { return true }
            return !zip(sources, files).contains { other, theirs in
                guard let theirs, other.currentEpoch >= sources[index].currentEpoch else { return false }
                return theirs.count > covered.count && covered.subtracting(theirs).isEmpty
            }
        }.map { sources[$0] }
    }

    /// A live node's report about itself stands; otherwise the higher epoch, and at the same epoch the higher-ranked source. Of two with
    /// the same rank, the one that says which slots it has: the other has only heard about its role.
    private static func isBetter(
        _ trust: Trust, _ entry: NodeEntry, than oldTrust: Trust, _ old: NodeEntry
    ) -> Bool {
        if (trust == .itself) != (oldTrust == .itself) { return trust == .itself }
        return (entry.configEpoch, trust.rawValue, entry.slots.count)
            > (old.configEpoch, oldTrust.rawValue, old.slots.count)
    }

    package func owns(_ id: NodeID) -> Bool { standings[id].map { !$0.slots.isEmpty } ?? false }

    /// The owner of slots that `id` follows, through masters that were themselves replaced; nil if that leads nowhere.
    package func master(of id: NodeID) -> NodeID? {
        var at = id
        for _ in 0...standings.count {
            guard let standing = standings[at] else { return nil }
            if !standing.slots.isEmpty || emptyMasters.contains(at) { return at }
            if let next = standing.masterID {
                at = next
            } else if let candidate = owner(ofMostOf: standing.claimed) {
                return candidate
            } else {
                return nil
            }
        }
        return nil
    }

    /// The places of the members that follow each owner of slots, the owner itself included; nil: it was not asked for.
    private(set) var followers: [NodeID: [Int]]?

    mutating func place(_ members: [Member]) {
        var places: [NodeID: [Int]] = [:]
        for index in members.indices {
            if let master = master(of: members[index].id) { places[master, default: []].append(index) }
        }
        followers = places
    }

    package func owner(of slot: Int) -> NodeID? {
        standings.filter { $0.value.slots.contains(slot) }.keys.min()
    }

    /// The owner of the first of these slots that has one: the successor in a shard.
    private func owner(ofMostOf slots: SlotSet) -> NodeID? {
        guard !slots.isEmpty else { return nil }
        return standings.filter { !$0.value.slots.intersection(slots).isEmpty }
            .max { a, b in
                let x = a.value.slots.intersection(slots).count
                let y = b.value.slots.intersection(slots).count
                return (x, b.key) < (y, a.key)
            }?.key
    }

    /// A ghost is no node: what it owns belongs to the member that is to take it, whether it has done so or not.
    /// - Parameter isForming: false: the member has done so, and a source shows what was before.
    package mutating func replaceGhost(of id: NodeID, isForming: Bool) {
        followers = nil
        guard let ghost = standings.removeValue(forKey: id.ghost) else { return }
        if let own = standings[id], own.role == .master || own.masterID != id.ghost { return }
        if isForming { unborn.insert(id) }
        standings[id] = Standing(
            role: .master, masterID: nil, configEpoch: ghost.configEpoch, slots: ghost.slots, claimed: ghost.slots)
    }

    /// This master is to get its slots from a ghost, and no file names the ghost yet.
    package mutating func awaitBirth(of id: NodeID) { unborn.insert(id) }

    package func isEmptyMaster(_ id: NodeID) -> Bool { emptyMasters.contains(id) }

    /// A new master, unless a source says otherwise by now.
    package mutating func addEmptyMaster(_ id: NodeID) {
        followers = nil
        let standing = standings[id] ?? Standing(role: .master, masterID: nil, configEpoch: 0)
        standings[id] = standing
        if standing.role == .master, standing.slots.isEmpty { emptyMasters.insert(id) }
    }

    /// Adds a node that no source knows: a replica of `master`, or with nil a master of `slots`.
    package mutating func add(_ id: NodeID, replicaOf master: NodeID?, slots: SlotSet = SlotSet()) {
        followers = nil
        if master == nil { currentEpoch += 1 }
        covered = covered.union(slots)
        standings[id] = Standing(
            role: master == nil ? .master : .replica, masterID: master,
            configEpoch: master == nil ? currentEpoch : 0, slots: slots, claimed: slots)
    }
}
