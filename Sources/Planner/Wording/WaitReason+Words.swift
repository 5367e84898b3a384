import ClusterModel

extension WaitReason {
    /// Follows "waiting", but for an operation and a node that is down, which say it themselves.
    package var words: String {
        switch self {
        case .folders(let folder): "to look at \(folder)"
        case .shardFolders(let master): "to look at the folders of \(master) and its replicas"
        case .deathSurvey(let node): "to look whether the process of \(node) has ended"
        case .deathProof(let node): "for proof that the process of \(node) has ended"
        case .firstReplies: "for the first replies of the nodes that were running"
        case .processOwner(let pid, let directory): "to learn which node process \(pid) in \(directory) is"
        case .portHolder(let port, let node): "to look where the process works that holds port \(port) of \(node)"

        case .portReservations(let count): "to reserve \(count) ports"
        case .port(let port, let node, let why): "for port \(port) of \(node): \(why.value)"
        case .freePort(let node): "for a free port for \(node)"
        case .files(let count): "for the files of \(count) nodes to be written"
        case .usableFolder(let node, let why): "for the folder of \(node) to be usable: \(why.value)"
        case .foreignKeys(let path): "for \(path), which holds keys of another node, to be moved away"
        case .freeDirectory(let node, let pid): "for pid \(pid) to leave the directory of \(node)"
        case .copies(let master): "for copies of what the replicas of \(master) have"
        case .room(let folder, let free, let needed):
            "for room on \(folder): \(free.value) are free, and \(needed.value) are needed"
        case .roomToStart(let node): "for disk space to start \(node)"
        case .roomToFailOver(let replica, let master): "for room to let \(replica) take over from \(master)"
        case .reserve: "for the reserve of a full disk to be released"

        case .start(let node, let why): "to start \(node): \(why.value)"
        case .backoff(let node, let cause, let left):
            "\(node) \(cause.value); it is started again in \(left.value.inMilliseconds) ms"
        case .running(let nodes): "for \(Self.list(nodes)) to run"
        case .answers(let nodes): "for \(Self.list(nodes)) to answer"
        case .agreement(let dispute): "for all nodes to agree: \(dispute.value.words)"
        case .sync(let nodes): "for \(Self.list(nodes)) to be in sync"
        case .replicasForWrites(let nodes):
            "for \(Self.list(nodes)) to have the replicas that min-replicas-to-write asks for"

        case .slots(let nodes): "for \(Self.list(nodes)) to take \(nodes.count == 1 ? "its" : "their") slots"
        case .birth: "for the masters to be complete before their replicas start"

        case .failover(let replica, let master, let why):
            "for \(replica) to take over from \(master)\(why.map { ": \($0.value)" } ?? "")"
        case .slotsLearned(let master): "for the replicas of \(master) to learn which of its slots have moved"
        case .candidate(let master): "for a replica of \(master) that can take over"
        case .drain(let master): "for the replicas of \(master) to drain their replication buffers"
        case .drainOfReplica(let replica, let master):
            "for \(replica) to drain its replication buffer from \(master)"
        case .promotionOrdersOfPreviousDaemon: "until the previous daemon's promotion orders have expired"
        case .election(let master): "for the replicas of \(master), which may be electing one of them"
        case .newerData(let replica, let master): "for \(replica), which has newer data than \(master)"
        case .answer(let replica, let master):
            "for \(replica) to answer, which may hold writes that the files of \(master) lack"

        case .startsUnderWay(let count?): "for \(count) nodes that are being started"
        case .startsUnderWay(nil): "for nodes that were being started"
        case .adoption(let node, let pid): "to adopt \(node) (pid \(pid)), to stop it"
        case .continuation(let node, let why): "to continue \(node), which is stopped (state T): \(why.value)"
        case .appendOnlyFile(let node): "for \(node) to write its append-only file, before it is stopped"
        case .shutdown(let node, let why): "for \(node) to stop: \(why.value)"
        case .stop(let nodes): "for \(Self.all(nodes)) to stop"
        case .end(let nodes): "for \(Self.all(nodes)) to end"
        case .effectsUnderWay(let count): "for \(count) actions to finish, to make way for another clusterd"

        case .operation(let title, let step): "\(title): \(step.words)"
        }
    }

    private static func all(_ nodes: [NodeName]) -> String { nodes.map(\.text).joined(separator: " ") }

    private static func list(_ nodes: [NodeName]) -> String {
        nodes.count <= 4 ? all(nodes) : all(Array(nodes.prefix(3))) + " and \(nodes.count - 3) more"
    }
}
