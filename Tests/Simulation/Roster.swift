import ClusterModel

/// One node's knowledge of all nodes: the entries of its view, in the order of their IDs. A report shares it until it
/// changes.
struct Roster {
    private(set) var list: [NodeEntry]

    init(_ entries: [NodeEntry]) { list = entries.sorted { $0.id < $1.id } }

    var ids: [NodeID] { list.map(\.id) }

    /// Setting nil removes a node.
    subscript(id: NodeID) -> NodeEntry? {
        get { list.firstIndex { $0.id == id }.map { list[$0] } }
        set {
            let index = list.firstIndex { $0.id >= id } ?? list.count
            let isKnown = index < list.count && list[index].id == id
            switch (newValue, isKnown) {
            case (let entry?, true): if list[index] != entry { list[index] = entry }
            case (let entry?, false): list.insert(entry, at: index)
            case (nil, true): list.remove(at: index)
            case (nil, false): break
            }
        }
    }
}
