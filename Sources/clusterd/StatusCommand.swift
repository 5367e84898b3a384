import ArgumentParser
import ControlAPI

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The cluster at a glance.",
        discussion: "Exit 0 while every slot is served, 1 while some is not.\n\nclusterd status\nclusterd status --json"
    )

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        do {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            if json {
                Output.result((try? ControlJSON.encode(status)) ?? [])
            } else {
                Output.result(StatusTable(status, color: Output.hasColor).text)
            }
            if !status.cluster.serving { throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed) }
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }
}

struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Return when the cluster, or one node, is ready.",
        discussion: """
            ready: full redundancy. serving: every slot is served. A node's name: it runs and is in sync.

            clusterd wait
            clusterd wait serving --timeout 5s
            clusterd wait 7002
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(help: ArgumentHelp("ready, serving, or a node.", valueName: "what")) var what = "ready"
    @Option(help: "How long at most.") var timeout = TimeoutArgument(argument: "60s") ?? .init(seconds: 60)

    func run() throws {
        let client = try daemon.client()
        let deadline = ContinuousClock.now + timeout.duration
        while true {
            let status = try client.get(.status, StatusDocument.self)
            if try isSo(status) { return }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout",
                    "not \(what) in time: the cluster is \(status.cluster.state.rawValue), "
                        + "\(status.cluster.slotsCovered) of 16384 slots are served",
                    hint: "clusterd status", exit: ControlAPI.ExitCode.timeout)
            }
            Pause.brief()
        }
    }

    private func isSo(_ status: StatusDocument) throws -> Bool {
        switch what {
        case "ready": return status.cluster.ready
        case "serving": return status.cluster.serving
        default:
            guard let node = status.nodes.first(where: { $0.name.text == what || String($0.port) == what }) else {
                if status.nodes.isEmpty { return false }
                throw Failure(
                    "unknown-node",
                    "there is no node '\(what)'; the nodes are \(status.nodes.map(\.name.text).joined(separator: " "))",
                    exit: ControlAPI.ExitCode.usage)
            }
            return node.process == .running && node.health == .ok && (node.role == .master || node.link == .up)
        }
    }
}

extension TimeoutArgument {
    init(seconds: Int64) { duration = .seconds(seconds) }
}
