import ArgumentParser
import ControlAPI
import ControlClient
import Glibc
import ProcessSupervision

struct RestartNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart-node",
        abstract: "Restart one node safely.",
        discussion: """
            A master hands over to its replica first, and comes back as a replica; the command returns when it is in sync.

            clusterd restart-node 7002
            clusterd restart-node 7000 --restore-roles
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(help: ArgumentHelp("Its name, port, host:port, or the beginning of its id.", valueName: "node")) var node:
        String
    @Flag(help: "Restart a master in place; its slots are not served meanwhile.") var noFailover = false
    @Flag(help: "Make a master master again afterwards.") var restoreRoles = false
    @Flag(help: "Restart it although slots are not served meanwhile.") var force = false
    @Flag(help: "Print the operation as one JSON document at the end.") var json = false
    @Option(help: "How long to wait; the restart goes on after that.") var timeout = TimeoutArgument(seconds: 60)

    func run() throws {
        do {
            try restart()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func restart() throws {
        let client = try daemon.client()
        let status = try client.get(.status, StatusDocument.self)
        Output.note("cluster   \(status.cluster.name)")
        let key = "\(getpid())-\(ContinuousClock.now)"
        let request = ControlRequest.restartNode(
            node, RestartOptions(noFailover: noFailover, restoreRoles: restoreRoles, force: force), idempotencyKey: key)
        let first = try client.get(request, OperationDocument.self)
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP]) { _ in
            Output.note("still running: operation \(first.id) · clusterd status")
            Glibc.exit(ControlAPI.ExitCode.interrupted)
        }
        let operation = try follow(first, client)
        if json { Output.result((try? ControlJSON.encode(operation)) ?? []) }
        guard operation.state == .done else {
            throw Failure(
                "operation-failed", "\(operation.node?.text ?? node): \(operation.error ?? "it did not end well")",
                hint: "clusterd status", exit: ControlAPI.ExitCode.failed)
        }
    }

    private func follow(_ first: OperationDocument, _ client: ControlClient) throws -> OperationDocument {
        let deadline = ContinuousClock.now + timeout.duration
        var operation = first
        var shown = 0
        while true {
            for step in operation.steps.dropFirst(shown) { Output.note("          \(step.text)") }
            shown = operation.steps.count
            if operation.state.hasEnded { return operation }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "operation \(operation.id) goes on: \(operation.step ?? "it is about to begin")",
                    hint: "clusterd status", exit: ControlAPI.ExitCode.timeout)
            }
            Pause.brief()
            operation = try client.get(.operation(id: first.id), OperationDocument.self)
        }
    }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop every node cleanly, and the daemon.",
        discussion: "Returns when nothing runs any more.\n\nclusterd stop")

    @OptionGroup var daemon: DaemonChoice
    @Option(help: "How long to wait; the stop goes on after that.") var timeout = TimeoutArgument(seconds: 120)

    func run() throws { try Ending.follow(.stop, daemon.client(), timeout.duration, said: "stopped") }
}

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "End the daemon and leave the nodes running.",
        discussion: "The next start takes them over.\n\nclusterd detach")

    @OptionGroup var daemon: DaemonChoice

    func run() throws { try Ending.follow(.detach, daemon.client(), .seconds(30), said: "detached") }
}

/// Commands after which the daemon is gone.
private enum Ending {
    static func follow(
        _ request: ControlRequest, _ client: ControlClient, _ timeout: Duration, said: String
    ) throws {
        let status = try client.get(request, StatusDocument.self)
        let pid = status.cluster.daemon.pid
        Output.note("cluster   \(status.cluster.name)")
        let deadline = ContinuousClock.now + timeout
        while kill(pid, 0) == 0 || errno == EPERM {
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "it is not \(said) yet", hint: "clusterd status", exit: ControlAPI.ExitCode.timeout)
            }
            Pause.brief()
        }
        Output.note("\(said)   \(status.cluster.name)")
    }
}
