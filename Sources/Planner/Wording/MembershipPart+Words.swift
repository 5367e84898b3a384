import ClusterModel

extension Operation.Change.Part {
    /// What it does, in words.
    package var words: String {
        switch self {
        case .add(let newcomer):
            let name = newcomer.name.map { " \($0)" } ?? ""
            return newcomer.isMaster
                ? "add a master\(name): shard \(newcomer.shard + 1)"
                : "add a replica\(name) to shard \(newcomer.shard + 1)"
        case .even: return "give every master its share of the slots, with their keys, while clients work"
        case .drain(let shard): return "move all slots of shard \(shard + 1), with their keys, to the other masters"
        case .move(let reshard):
            return "move "
                + reshard.moves.map { "\($0.slots.count) slots from \($0.from) to \($0.to)" }.joined(separator: ", ")
        case .remove(let leaver):
            return "remove \(leaver.node): it stops, the others forget it, and its files go to quarantine/"
        }
    }
}
