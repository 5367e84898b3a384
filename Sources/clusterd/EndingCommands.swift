import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop every node cleanly, and the daemon.",
        discussion: "Returns when nothing runs any more.\n\nclusterd stop\nclusterd stop --timeout 10m")

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait; the stop goes on after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 120)

    func run() throws { try Ending.follow(.stop, daemon, timeout.duration, said: "stopped", json: json) }
}

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "End the daemon and leave the nodes running.",
        discussion: """
            Nothing looks after them then: a master that dies is replaced by the engine's own failover, in its time, and what ends \
            stays down. The next start takes them over. To put another clusterd in its place: clusterd reexec.

            clusterd detach
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait; clusterd ends after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 30)

    func run() throws { try Ending.follow(.detach, daemon, timeout.duration, said: "detached", json: json) }
}

/// Commands after which the daemon is gone.
enum Ending {
    struct Document: Codable {
        var schema = 1
        var cluster: String
        var daemon: StatusDocument.Daemon
        /// `stopped`, or `detached`.
        var how: String
    }

    static func follow(
        _ request: ControlRequest, _ daemon: DaemonChoice, _ timeout: Duration, said: String, json: Bool
    ) throws {
        do {
            try follow(request, daemon.client(), timeout, said: said, json: json)
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    static func follow(
        _ request: ControlRequest, _ client: ControlClient, _ timeout: Duration, said: String, json: Bool = false
    ) throws {
        let cluster = try client.get(request, StatusDocument.self).cluster
        let pid = cluster.daemon.pid
        Output.note("cluster   \(cluster.name)")
        let deadline = ContinuousClock.now + timeout
        while kill(pid, 0) == 0 || errno == EPERM {
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "it is not \(said) yet", hint: "clusterd status", exit: ControlAPI.ExitCode.timeout)
            }
            Pause.brief()
        }
        if json {
            let document = Document(cluster: cluster.name, daemon: cluster.daemon, how: said)
            return Output.result((try? ControlJSON.encode(document)) ?? [])
        }
        Output.note("\(said)   \(cluster.name)")
    }
}
