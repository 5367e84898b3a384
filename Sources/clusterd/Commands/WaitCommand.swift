import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until the cluster, or one node, is ready.",
        discussion: """
            ready: full redundancy. serving: every slot is served. A node: it runs, has loaded its data, and is in sync with its \
            master. Shows on a terminal what it waits for. Exits with 124 and the pending conditions when the time limit passes. \
            Exits with 3 if no daemon answers, but waits for a daemon that goes away meanwhile, as in an upgrade.

            clusterd wait
            clusterd wait serving --timeout 5s
            clusterd wait 7002
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(help: ArgumentHelp("ready, serving, or a node.", valueName: "what"), completion: Completion.nodeOrState)
    var what = "ready"
    @Option(help: ArgumentHelp("How long to wait at most.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)
    @Flag(help: "Print the status, or that of the node, as one JSON document at the end.") var json = false

    /// How long to wait for a daemon that answered a moment ago.
    private static let absence = Duration.seconds(10)

    func run() throws {
        do throws(Failure) {
            let client = try daemon.client()
            try wait(client)
            if json { Output.result(try StatusLook(client, node: node).json) }
        } catch {
            throw error.json(json)
        }
    }

    private var node: String? { what == "ready" || what == "serving" ? nil : what }

    private func wait(_ client: ControlClient) throws(Failure) {
        let deadline = ContinuousClock.now + timeout.duration
        var progress = Progress(isShown: isatty(STDERR_FILENO) == 1 && !json)
        var reasons = try open(client)
        var goneSince: ContinuousClock.Instant?
        var pause = Pause.Growing()
        while !reasons.isEmpty {
            progress.show(reasons)
            guard ContinuousClock.now < deadline else { throw tooLate(reasons) }
            pause.rest(until: deadline)
            do throws(Failure) {
                reasons = try open(client)
                goneSince = nil
            } catch {
                let since = goneSince ?? ContinuousClock.now
                guard error.exit == ControlAPI.ExitCode.noDaemon, ContinuousClock.now - since < Self.absence else {
                    throw error
                }
                goneSince = since
                reasons = ["for clusterd to answer"]
            }
        }
    }

    /// The conditions that do not hold yet; empty: the wait is over.
    private func open(_ client: ControlClient) throws(Failure) -> [String] {
        switch what {
        case "ready": return try client.get(.readyz, ProbeDocument.self).reasons
        case "serving":
            let serving = try client.get(.servingz, ProbeDocument.self)
            if serving.ok { return [] }
            return serving.reasons.map { "for every slot to be served: \($0)" }
                + (try client.get(.readyz, ProbeDocument.self).reasons)
        default:
            let status = try client.get(.status, StatusDocument.self)
            if status.nodes.isEmpty { return ["for the cluster to have nodes"] }
            return try status.node(what).reasonsAgainst
        }
    }

    private func tooLate(_ reasons: [String]) -> Failure {
        let subject = node.map { "\($0) is not ok" } ?? "the cluster is not \(what)"
        return Failure(
            "timeout", "\(subject) after \(timeout.duration.inWords): waiting \(reasons.joined(separator: "; "))",
            hint: node.map { "clusterd status \($0)" } ?? "clusterd status")
    }

    /// Prints the reasons when they change.
    private struct Progress {
        let isShown: Bool
        private var last: [String] = []

        init(isShown: Bool) { self.isShown = isShown }

        mutating func show(_ reasons: [String]) {
            guard isShown, reasons != last else { return }
            last = reasons
            Output.note("waiting   " + reasons.joined(separator: "; "))
        }
    }
}

extension NodeDocument {
    /// The conditions that the node does not meet yet; empty: it is ready.
    var reasonsAgainst: [String] {
        if process != .running {
            let why =
                wanted == .stopped
                ? "it is stopped (requested; clusterd start-node \(name))"
                : "it is \(process.rawValue)" + (lastExit.map { ", \($0.cause)" } ?? "")
            return ["for \(name) to run: \(why)"]
        }
        if health != .ok { return ["for \(name) to be ok: it is \(health.rawValue)"] }
        switch role {
        case nil: return ["for \(name) to have a role"]
        case .master?: return []
        case .replica?: return link == .up ? [] : ["for \(name) to be linked to its master"]
        }
    }
}
