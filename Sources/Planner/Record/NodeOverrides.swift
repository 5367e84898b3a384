import ClusterModel

/// Settings for single nodes (`nodes:` in conf.d): the node that each is meant for.
package enum NodeOverrides {
    /// The names by which conf.d may refer to the nodes of a cluster.
    package static func names(_ record: Record) -> Set<NodeName> {
        Set(record.members.flatMap { [$0.name, $0.settingsName] })
    }

    /// Settings that match no node are a mistake that would otherwise go unnoticed.
    package static func refusal(_ spec: ClusterSpec, nodes: Set<NodeName>) -> Failure? {
        let lost = spec.overrides.filter { !nodes.contains($0.key) }.sorted { $0.key < $1.key }
        guard let first = lost.first else { return nil }
        return Failure(
            .settingsWithoutNode,
            lost.map { "\($0.value.origin): there is no node '\($0.key)' for these settings" }.joined(separator: "; "),
            hint: "the nodes are \(list(nodes)); a node's name is the port that it was formed with"
                + (nearest(first.key, nodes).map { "; did you mean '\($0)'?" } ?? ""))
    }

    /// Which node replaces a configured port that was taken: the missing names, in order, go to the nodes that conf.d does not name.
    static func standIns(for wanted: Set<NodeName>, among nodes: [NodeName]) -> [NodeName: NodeName] {
        let missing = wanted.subtracting(nodes).sorted()
        let others = nodes.filter { !wanted.contains($0) }.sorted()
        return Dictionary(zip(others, missing)) { first, _ in first }
    }

    private static func list(_ nodes: Set<NodeName>) -> String {
        let names = nodes.sorted().map(\.text)
        return names.count <= 12
            ? names.joined(separator: " ") : names.prefix(3).joined(separator: " ") + " … " + (names.last ?? "")
    }

    /// The names differ in one digit.
    private static func nearest(_ name: NodeName, _ nodes: Set<NodeName>) -> NodeName? {
        nodes.sorted().first { node in
            node.text.count == name.text.count && zip(node.text, name.text).count { $0 != $1 } == 1
        }
    }
}

extension Turn {
    /// The settings for a port that was taken went to another node: reported as long as that is so.
    mutating func reportStandIns() {
        for member in members {
            guard let configured = member.configuredAs, spec.overrides[configured] != nil else { continue }
            emit(
                Finding(
                    .settingsFollowed, .info, node: member.name,
                    "the settings for node \(configured) in conf.d apply to \(member.name), which replaces it"))
        }
    }
}
