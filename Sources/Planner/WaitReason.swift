import ClusterModel

/// What a turn waits for. Equal reasons are one reason, which keeps its age while its displayed values change; the words are in
/// `Wording/WaitReason+Words.swift`, and follow "waiting".
package enum WaitReason: Sendable, Hashable {
    // MARK: looking

    case folders(in: String)
    case shardFolders(of: NodeName)
    /// Whether the node's process has ended.
    case deathSurvey(NodeName)
    case deathProof(NodeName)
    case firstReplies
    /// The owner of this process, which works in a node's directory.
    case processOwner(pid: Int32, directory: String)
    case portHolder(Int, of: NodeName)

    // MARK: files, ports and disks

    case portReservations(Int)
    case port(Int, of: NodeName, Shown<String>)
    case freePort(for: NodeName)
    case files(ofNodes: Int)
    case usableFolder(of: NodeName, Shown<String>)
    /// Keys of another node are where this one's files belong.
    case foreignKeys(path: String)
    case freeDirectory(of: NodeName, pid: Int32)
    case copies(ofReplicasOf: NodeName)
    case room(folder: String, free: Shown<String>, needed: Shown<String>)
    case roomToStart(NodeName)
    case roomToFailOver(to: NodeName, from: NodeName)
    case reserve

    // MARK: nodes

    case start(of: NodeName, Shown<String>)
    case backoff(NodeName, Shown<String>, Shown<Duration>)
    case running([NodeName])
    case answers(from: [NodeName])
    case agreement(Shown<Disagreement>)
    case sync(of: [NodeName])
    case replicasForWrites(of: [NodeName])
    /// Of a new cluster.
    case slots(of: [NodeName])
    /// All masters of a new cluster have their slots, and know nothing that the replicas should not hear.
    case birth

    // MARK: failover

    /// The reason is nil if nothing prevents it.
    case failover(to: NodeName, from: NodeName, Shown<String>?)
    case candidate(for: NodeName)
    /// Slots of its shard have moved, and its replicas have not learned that yet.
    case slotsLearned(byReplicasOf: NodeName)
    case drain(ofReplicasOf: NodeName)
    case drainOfReplica(NodeName, from: NodeName)
    case promotionOrdersOfPreviousDaemon
    case election(ofReplicaOf: NodeName)
    case newerData(of: NodeName, than: NodeName)
    case answer(from: NodeName, withWritesOf: NodeName)

    // MARK: the end

    case startsUnderWay(Int?)
    case adoption(of: NodeName, pid: Int32)
    case continuation(of: NodeName, Shown<String>)
    case appendOnlyFile(of: NodeName)
    case shutdown(of: NodeName, Shown<String>)
    case stop(of: [NodeName])
    case end(of: [NodeName])
    case effectsUnderWay(Int)

    case operation(title: String, OperationStep)
}
