import ArgumentParser
import ControlAPI

struct RestartNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart-node",
        abstract: "Restart one node safely.",
        discussion: """
            A master hands over to its replica first and comes back as a replica. Returns when the node is in sync.

            clusterd restart-node 7002
            clusterd restart-node 7000 --restore-roles
            """)

    @Argument(help: .node, completion: Completion.node) var node: String
    @Flag(help: "Restart a master in place; its slots are not served meanwhile.") var noFailover = false
    @Flag(help: "Make a former master the master again afterwards.") var restoreRoles = false
    @Flag(help: "Restart it even if slots, or a second node of its shard, become unavailable meanwhile.") var force =
        false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        try options.carryOut(
            .restartNode(node, noFailover: noFailover, restoreRoles: restoreRoles, force: force))
    }
}

struct StartNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-node",
        abstract: "Start one node that was stopped or is down.",
        discussion: """
            Returns when the node is in sync. Leaves a running node alone.

            clusterd start-node 7002
            """)

    @Argument(help: .node, completion: Completion.startable) var node: String
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.startNode(node)) }
}

struct StopNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop-node",
        abstract: "Stop one node and keep it stopped until start-node.",
        discussion: """
            A master hands over to its replica first. The node stays stopped when clusterd restarts or the host reboots. To stop \
            the whole cluster, use clusterd stop.

            clusterd stop-node 7002
            clusterd stop-node 7000 --no-failover
            """)

    @Argument(help: .node, completion: Completion.stoppable) var node: String
    @Flag(
        help: ArgumentHelp(
            "Stop a master in place: its slots are unavailable until it starts, or until the engine itself elects a replica."
        )
    ) var noFailover = false
    @Flag(help: "Stop it even if slots, or a second node of its shard, become unavailable.") var force = false
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.stopNode(node, noFailover: noFailover, force: force)) }
}

struct FailoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Make a replica the master of its shard.",
        discussion: """
            The master hands over and becomes a replica; no write is lost. Does nothing if the node is already the master. With \
            --force, stops a master that cannot hand over (kills it if it does not answer): writes that the replica lacks are \
            lost to the cluster, and the files of the old master are kept in quarantine/.

            clusterd failover 7003
            clusterd failover --from 7000
            """)

    @Argument(
        help: ArgumentHelp("The replica, by name, port, host:port, or the beginning of its id.", valueName: "replica"),
        completion: Completion.replica)
    var replica: String?
    @Option(
        help: ArgumentHelp("Fail over from this master to the replica that has most of its data.", valueName: "master"),
        completion: Completion.master)
    var from: String?
    @Flag(help: "Stop a master that cannot hand over.") var force = false
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        guard (replica == nil) != (from == nil) else {
            throw ValidationError("Name either the replica to promote, or the master with --from.")
        }
    }

    func run() throws {
        try options.carryOut(replica.map { .failover($0, force: force) } ?? .failoverFrom(from ?? "", force: force))
    }
}
