import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop every node cleanly, and the daemon.",
        discussion: "Returns when nothing runs any more.\n\nclusterd stop")

    @OptionGroup var daemon: DaemonChoice
    @Option(help: ArgumentHelp("How long to wait; the stop goes on after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 120)

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
enum Ending {
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
