import ClusterModel

/// Something that `check` saw and that becomes a finding once it has lasted. Equal conditions are one condition that keeps its age.
package struct Condition: Sendable, Hashable {
    package var code: ReasonCode
    package var node: NodeName?
    package var shard: NodeName?
    package var about: Subject?

    /// What distinguishes conditions, and findings, of one code and one node.
    package enum Subject: Sendable, Hashable {
        case directive(String)
        case slot(Int)
        case nodeID(NodeID)
        case path(String)
        case nodes(NodeName, NodeName)
        case view(Misbelief)
        /// The node does not answer.
        case silence
        /// The node reports cluster_state:fail. This has its own age, also after a silence.
        case clusterDown
        case appendOnlyFile
        /// What the node's process does instead of answering.
        case doing(Vitals.Doing)
        /// The node has no connection left for another client.
        case connectionLimit
        /// The node runs, although it should not.
        case running
        /// It holds until the next start of its nodes.
        case nextStart
    }
}

/// What a node's view says about another node that is not true.
package enum Misbelief: Sendable, Hashable, Comparable {
    case unknown(NodeName)
    case noAddress(NodeName)
    case failed(NodeName)
    case role(NodeName, Role)
    case owns(NodeName, SlotSet)
    case ownsNot(NodeName, SlotSet)
    /// By name, or by the short form of the ID; nil: it follows no node.
    case follows(NodeName, String?, insteadOf: String?)
    case port(NodeName, Int, insteadOf: Int)

    package static func < (a: Misbelief, b: Misbelief) -> Bool { a.words < b.words }
}
