/// NODE as operators type it: a node's name, then host:port or port, then the beginning of a Redis node id (4 hex digits or more with a
/// letter among them, or 8).
package enum NodeChoice: Equatable, Sendable {
    /// Positions in the searched list.
    case one(Int)
    case several([Int])
    case none

    package struct Candidate: Sendable {
        package var name: NodeName
        package var port: Int
        /// nil: not known yet.
        package var id: NodeID?

        package init(name: NodeName, port: Int, id: NodeID?) {
            self.name = name
            self.port = port
            self.id = id
        }
    }

    package init(_ text: String, among nodes: [Candidate]) {
        let port = text.split(separator: ":").last.flatMap { Int($0) }
        if let named = nodes.firstIndex(where: { $0.name.text == text }) {
            self = .one(named)
        } else if let port, let found = nodes.firstIndex(where: { $0.port == port }) {
            self = .one(found)
        } else {
            self = Self.byID(text.lowercased(), nodes)
        }
    }

    private static func byID(_ text: String, _ nodes: [Candidate]) -> NodeChoice {
        guard text.allSatisfy(\.isHexDigit), text.count >= 8 || (text.count >= 4 && text.contains(where: \.isLetter))
        else { return .none }
        let found = nodes.indices.filter { nodes[$0].id?.text.hasPrefix(text) ?? false }
        return found.count > 1 ? .several(found) : found.first.map { .one($0) } ?? .none
    }
}

extension NodeChoice {
    /// The position of the matching node. Throws `ambiguous-node` or `unknown-node`, for the operator who typed it.
    package static func position(of text: String, among nodes: [Candidate]) throws(Failure) -> Int {
        switch NodeChoice(text, among: nodes) {
        case .one(let index): return index
        case .several(let found):
            let list = found.map { "\(nodes[$0].name) (\(nodes[$0].id?.short ?? ""))" }.joined(separator: ", ")
            throw Failure(
                "ambiguous-node", "'\(text)' begins the ids of \(list)", hint: "give the name")
        case .none:
            let names = nodes.map(\.name.text).joined(separator: " ")
            throw Failure(
                "unknown-node",
                "there is no node '\(text)'" + (names.isEmpty ? "; there is none yet" : "; the nodes are \(names)"))
        }
    }
}
