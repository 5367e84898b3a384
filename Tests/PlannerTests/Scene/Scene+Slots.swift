import ClusterModel
import Planner

/// Slots that move.
extension Scene {
    /// These slots belong to this master's shard now; running nodes learn it at once, and save it. None of them is half moved any longer.
    mutating func give(_ moved: SlotSet, to target: NodeName) {
        var shares = slots.isEmpty ? SlotSet.evenly(among: masters.count) : slots
        let shard = member(target).shard
        for index in shares.indices {
            shares[index] = index == shard ? shares[index].union(moved) : shares[index].subtracting(moved)
        }
        slots = shares
        let highest = epochs.max() ?? 0
        if epochs.filter({ $0 == highest }).count > 1 || epochs[shard] < highest { epochs[shard] = highest + 1 }
        for name in processes.keys {
            let file = file(name)
            disk[member(name).directory]?.nodesFile = .parsed(file)
        }
        seen.rolesChanged = now
    }

    /// The slot is half moved: its owner is marked as migrating it, the other node as importing it, or one of them alone.
    mutating func open(
        _ slot: Int, from source: NodeName, to target: NodeName, migrating: Bool = true, importing: Bool = true
    ) {
        let (from, to) = (member(source).id, member(target).id)
        if migrating { editMyself(source) { $0.migrating.append(.init(slot: slot, node: to)) } }
        if importing { editMyself(target) { $0.importing.append(.init(slot: slot, node: from)) } }
    }

    /// The slots that the node is migrating or importing.
    func openSlots(of node: NodeName) -> SlotSet {
        guard case .parsed(let file)? = disk[member(node).directory]?.nodesFile,
            let myself = file.view.entries.first(where: { $0.id == member(node).id })
        else { return SlotSet() }
        return SlotSet((myself.migrating + myself.importing).map { $0.slot...$0.slot })
    }

    /// No node knows an owner of these slots any longer, and neither does the record unless `isRecorded`.
    mutating func release(_ lost: SlotSet, isRecorded: Bool = false) {
        for name in processes.keys {
            let folder = member(name).directory
            guard case .parsed(var file)? = disk[folder]?.nodesFile else { continue }
            for index in file.view.entries.indices {
                file.view.entries[index].slots = file.view.entries[index].slots.subtracting(lost)
            }
            disk[folder]?.nodesFile = .parsed(file)
        }
        guard !isRecorded else { return }
        for index in record?.members.indices ?? 0..<0 {
            let kept = record?.members[index].lastSlots?.subtracting(lost)
            record?.members[index].lastSlots = kept
        }
    }

    /// This node imports these slots no longer.
    mutating func close(_ closed: SlotSet, at node: NodeName) {
        editMyself(node) { $0.importing.removeAll { closed.contains($0.slot) } }
    }

    private mutating func editMyself(_ node: NodeName, _ change: (inout NodeEntry) -> Void) {
        let (id, folder) = (member(node).id, member(node).directory)
        guard case .parsed(var file)? = disk[folder]?.nodesFile,
            let index = file.view.entries.firstIndex(where: { $0.id == id })
        else { return }
        change(&file.view.entries[index])
        disk[folder]?.nodesFile = .parsed(file)
    }
}
