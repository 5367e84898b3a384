import ArgumentParser
import ControlAPI

struct RestartNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart-node",
        abstract: "Restart one node safely.",
        discussion: """
            A master hands over to its replica first, and comes back as a replica; the command returns when it is in sync.

            clusterd restart-node 7002
            clusterd restart-node 7000 --restore-roles
            """)

    @Argument(help: .node, completion: Completion.node) var node: String
    @Flag(help: "Restart a master in place; its slots are not served meanwhile.") var noFailover = false
    @Flag(help: "Make a master master again afterwards.") var restoreRoles = false
    @Flag(help: "Restart it although slots, or a second node of its shard, are down meanwhile.") var force = false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        try options.carryOut(
            .restartNode(node, noFailover: noFailover, restoreRoles: restoreRoles, force: force))
    }
}

struct StartNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-node",
        abstract: "Start one node: one that was stopped, or that is down.",
        discussion: """
            The command returns when it is in sync. A node that runs already is left alone.

            clusterd start-node 7002
            """)

    @Argument(help: .node, completion: Completion.startable) var node: String
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.startNode(node)) }
}

struct StopNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop-node",
        abstract: "Stop one node; it stays stopped until start-node.",
        discussion: """
            A master hands over to its replica first. It stays stopped when clusterd or the host is started anew. To stop the whole \
            cluster: clusterd stop.

            clusterd stop-node 7002
            clusterd stop-node 7000 --no-failover
            """)

    @Argument(help: .node, completion: Completion.stoppable) var node: String
    @Flag(
        help: ArgumentHelp(
            "Stop a master as it is: its slots are down until it is started, or until the engine itself elects a replica."
        )
    ) var noFailover = false
    @Flag(help: "Stop it although slots, or a second node of its shard, are down then.") var force = false
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.stopNode(node, noFailover: noFailover, force: force)) }
}

struct FailoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Make a replica master of its shard.",
        discussion: """
            The master hands over and becomes a replica; nothing is lost. A replica that is master already is left so. With \
            --force a master that cannot hand over is stopped first (killed, if it does not answer), and what its replica lacks is lost \
            to the cluster; its files are kept in quarantine/.

            clusterd failover 7003
            clusterd failover --from 7000
            """)

    @Argument(
        help: ArgumentHelp("The replica: its name, port, host:port, or the beginning of its id.", valueName: "replica"),
        completion: Completion.replica)
    var replica: String?
    @Option(
        help: ArgumentHelp("The master to be replaced, by the replica that has most of its data.", valueName: "master"),
        completion: Completion.master)
    var from: String?
    @Flag(help: "Stop a master that cannot hand over.") var force = false
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        guard (replica == nil) != (from == nil) else {
            throw ValidationError("Name either the replica that is to be master, or the master with --from.")
        }
    }

    func run() throws {
        try options.carryOut(.failover(replica ?? from ?? "", from: replica == nil, force: force))
    }
}
