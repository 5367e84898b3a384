import ClusterModel

/// Which folder becomes which node of a cluster that no record describes: its name and its ports. Each node keeps the port in its
/// nodes.conf. Folders from several hosts may name one port several times; then a folder takes the port in its name, or the next port that
/// no other node has.
package struct FoundNodes: Sendable, Equatable {
    package struct Node: Sendable, Equatable {
        package var folder: DirectoryFacts
        package var entry: NodeEntry
        package var name: NodeName
        package var ports: PortPair
    }

    package private(set) var nodes: [Node] = []
    /// Whether two folders claim one port: the addresses in their files are those of several hosts.
    package private(set) var areOfSeveralHosts = false
    private var spare: [PortPair]

    /// - Parameters:
    ///   - folders: of one cluster, each with a nodes.conf that names its own node.
    ///   - candidates: the ports that nodes without a port of their own may take, in order.
    package init(_ folders: [DirectoryFacts], candidates: [PortPair]) {
        spare = candidates
        let found = folders.compactMap { folder in folder.parsed?.view.myself.map { (folder, $0) } }
            .sorted { a, b in
                (a.0.number ?? .max, NodeName(a.0.lastName)) < (b.0.number ?? .max, NodeName(b.0.lastName))
            }
        let wanted = found.map { folder, entry in Self.ports(entry, folder) }
        areOfSeveralHosts = wanted.indices.contains { index in
            wanted.indices.contains { $0 < index && Self.collide(wanted[$0], wanted[index]) }
        }
        for ((folder, entry), ports) in zip(found, wanted) {
            let own = areOfSeveralHosts ? folder.number.map { PortPair(client: $0) } : ports
            let pair = own.flatMap { isFree($0) ? $0 : nil } ?? next() ?? ports ?? PortPair(client: 0)
            nodes.append(Node(folder: folder, entry: entry, name: name(folder, pair), ports: pair))
        }
    }

    /// A node that only the others know: nil if it is one of the found nodes, under its former id.
    package mutating func place(lost entry: NodeEntry, in folder: DirectoryFacts?) -> (name: NodeName, ports: PortPair)?
    {
        let isKnown = nodes.contains { node in
            let host = areOfSeveralHosts ? host(of: node) : entry.host
            return node.entry.ports.client == entry.ports.client && host == entry.host
        }
        if isKnown { return nil }
        let own = folder?.number.map { PortPair(client: $0) } ?? (entry.ports.client > 0 ? entry.ports : nil)
        guard let pair = own.flatMap({ isFree($0) ? $0 : nil }) ?? next() else { return nil }
        nodes.append(
            Node(
                folder: folder ?? DirectoryFacts(path: ""), entry: entry,
                name: name(folder ?? DirectoryFacts(path: ""), pair), ports: pair))
        return (nodes[nodes.count - 1].name, pair)
    }

    /// The address by which the others know a node: its own file may not contain it.
    private func host(of node: Node) -> String {
        for other in nodes where other.entry.id != node.entry.id {
            if let entry = other.folder.parsed?.view.entry(node.entry.id), !entry.host.isEmpty { return entry.host }
        }
        return node.entry.host
    }

    private func name(_ folder: DirectoryFacts, _ pair: PortPair) -> NodeName {
        let names = [folder.number ?? pair.client, pair.client].map { NodeName(String($0)) }
        return names.first { name in !nodes.contains { $0.name == name } } ?? names[1]
    }

    private func isFree(_ pair: PortPair) -> Bool {
        !nodes.contains { $0.ports.overlaps(pair) || $0.name.text == String(pair.client) }
    }

    private mutating func next() -> PortPair? {
        let pair = spare.first(where: isFree)
        if let pair { spare.removeAll { $0 == pair } }
        return pair
    }

    private static func ports(_ entry: NodeEntry, _ folder: DirectoryFacts) -> PortPair? {
        entry.ports.client > 0 ? entry.ports : folder.number.map { PortPair(client: $0) }
    }

    private static func collide(_ a: PortPair?, _ b: PortPair?) -> Bool {
        guard let a, let b else { return false }
        return a.overlaps(b)
    }
}

extension FolderClassification {
    /// The folders that become nodes at a start without a record, each with the node's name. Empty if the start is refused.
    package func names(_ spec: ClusterSpec, engine: Engine) -> [(folder: DirectoryFacts, name: NodeName, client: Int)] {
        func numbered(_ folders: [DirectoryFacts]) -> [(folder: DirectoryFacts, name: NodeName, client: Int)] {
            folders.compactMap { folder in folder.number.map { (folder, NodeName(String($0)), $0) } }
        }
        switch verdict {
        case .refused: return []
        case .cluster(let members, let standalone):
            var found = FoundNodes(members, candidates: PortCandidates(spec, engine: engine).pairs)
            let lost = members.filter { $0.parsed?.view.myself == nil }
            let names = found.nodes.map { (folder: $0.folder, name: $0.name, client: $0.ports.client) }
            for entry in FolderClassification.lost(in: members) {
                _ = found.place(lost: entry, in: lost.first { $0.number == entry.ports.client })
            }
            // As many standalone nodes become members as are wanted.
            let missing = max(0, spec.nodeCount - found.nodes.count)
            return names
                + numbered(lost + standalone.prefix(missing)).filter { one in !names.contains { $0.name == one.name } }
        case .new(let folders):
            let wanted = PortCandidates(spec, engine: engine, folders: folders).pairs.prefix(spec.nodeCount)
            return numbered(folders.filter { $0.isLaidOutByHand(in: spec) }).filter { folder in
                wanted.contains { $0.client == folder.client }
            }
        }
    }
}

extension DirectoryFacts {
    package var lastName: String { path.split(separator: "/").last.map(String.init) ?? path }
}
