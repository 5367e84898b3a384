import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop all nodes cleanly, then the daemon.",
        discussion: """
            Returns when all nodes have stopped. A node that cannot be stopped without losing its keys keeps running; the daemon \
            exits, and this command names the node and the reason, and exits with 1.

            clusterd stop
            clusterd stop --timeout 10m
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait; the stop continues after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 120)

    func run() throws { try Ending.stop.follow(daemon, timeout.duration, json: json) }
}

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "End the daemon and leave the nodes running.",
        discussion: """
            The nodes then run unsupervised: only the engine's own failover replaces a master that dies, after the engine's own \
            timeout, and a node that exits stays down. The next start adopts the nodes. To upgrade clusterd, use clusterd reexec.

            clusterd detach
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait; clusterd still exits after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 30)

    func run() throws { try Ending.detach.follow(daemon, timeout.duration, json: json) }
}

/// The commands that end the daemon.
enum Ending: String {
    case stop
    case detach

    struct Document: Codable {
        var schema = 1
        var cluster: String
        var daemon: StatusDocument.Daemon
        /// `stopped`, or `detached`.
        var how: String
    }

    private var request: ControlRequest {
        switch self {
        case .stop: .stop(follows: true)
        case .detach: .detach(follows: true)
        }
    }

    private var past: String {
        switch self {
        case .stop: "stopped"
        case .detach: "detached"
        }
    }

    func follow(_ daemon: DaemonChoice, _ timeout: Duration, json: Bool) throws {
        do {
            try follow(daemon.client(), timeout, json: json)
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    func follow(_ client: ControlClient, _ timeout: Duration, json: Bool = false) throws {
        let cluster = try client.get(.status, StatusDocument.self).cluster
        Output.note("cluster   \(cluster.name)")
        let deadline = ContinuousClock.now + timeout
        var (request, last, isFirst) = (request, EventDocument?.none, true)
        while true {
            var isFollowed = false
            do throws(Failure) {
                try client.follow(request, until: deadline) { line in
                    isFollowed = true
                    last = (try? ControlJSON.decode(EventDocument.self, from: Array(line))) ?? last
                }
            } catch {
                // The daemon does not answer. It may be in the middle of an upgrade in place.
                guard error.code == "timeout" || !isFirst else { throw error }
                if error.code == "timeout" { throw late(client) }
            }
            if let last, let end = End(last) {
                try awaitExit(of: cluster.daemon.pid, until: deadline, client)
                if case .refused(let failure) = end { throw failure }
                break
            }
            // An older daemon answers with one document, and exits.
            if isFirst, !isFollowed {
                try awaitExit(of: cluster.daemon.pid, until: deadline, client)
                break
            }
            isFirst = false
            guard Self.isAlive(cluster.daemon.pid) else { throw lost(cluster) }
            guard ContinuousClock.now < deadline else { throw late(client) }
            if let last { request = .events(EventQuery(after: last.seq), follows: true) }
            Pause.brief()
        }
        if json {
            let document = Document(cluster: cluster.name, daemon: cluster.daemon, how: past)
            return Output.result((try? ControlJSON.encode(document)) ?? [])
        }
        Output.note("\(past)   \(cluster.name)")
    }

    /// How a daemon ended, from its last event; nil: the event is another one, or the process continues as another program.
    enum End {
        case done
        case refused(Failure)

        init?(_ event: EventDocument) {
            guard event.code == "daemon-ended", case .object(let data)? = event.data,
                case .string(let how)? = data["how"]
            else { return nil }
            func text(_ name: String) -> String? {
                if case .string(let text)? = data[name] { text } else { nil }
            }
            switch how {
            case "replaced": return nil
            case "refused":
                var exit = ControlAPI.ExitCode.failed
                if case .integer(let code)? = data["exit"] { exit = Int32(clamping: code) }
                self = .refused(
                    Failure(
                        text("code") ?? "refused", text("why") ?? event.message, hint: text("hint"), exit: exit))
            default: self = .done
            }
        }
    }

    private static func isAlive(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno == EPERM }

    private func awaitExit(
        of pid: Int32, until deadline: ContinuousClock.Instant, _ client: ControlClient
    ) throws {
        while Self.isAlive(pid) {
            guard ContinuousClock.now < deadline else { throw late(client) }
            Pause.brief()
        }
    }

    private func late(_ client: ControlClient) -> Failure {
        let waits = try? client.get(.readyz, ProbeDocument.self).reasons.first
        return Failure(
            "timeout", "the cluster is not \(past) yet\(waits.map { ": clusterd is waiting \($0)" } ?? "")",
            hint: "clusterd status")
    }

    private func lost(_ cluster: StatusDocument.Cluster) -> Failure {
        Failure(
            "end-unknown",
            "the daemon of \(cluster.name) (pid \(cluster.daemon.pid)) exited uncleanly: nodes may still run",
            hint: "check with: clusterd list; a daemon that starts in \(cluster.dir) adopts running nodes")
    }
}
