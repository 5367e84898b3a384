import ArgumentParser
import ClusterModel
import ControlAPI
import StatusView

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The cluster at a glance, or everything about one node.",
        discussion: """
            As wide as the terminal, 80 columns where there is none. Exit 0 while every slot is served, 1 while some is not.

            clusterd status
            clusterd status 7002
            clusterd status --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: ArgumentHelp("Its name, port, host:port, or the beginning of its id.", valueName: "node"),
        completion: Completion.node)
    var node: String?
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        do {
            let status = try daemon.client().get(.status, StatusDocument.self)
            if let node {
                show(try status.node(node), of: status)
            } else if json {
                Output.result((try? ControlJSON.encode(status)) ?? [])
            } else {
                let table = StatusTable(
                    status, now: Terminal.now, width: Terminal.width, color: Output.hasColor)
                Output.result(table.text)
            }
            if !status.cluster.serving { throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed) }
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func show(_ node: NodeDocument, of status: StatusDocument) {
        if json { return Output.result((try? ControlJSON.encode(node)) ?? []) }
        let page = NodePage(
            node, of: status, now: Terminal.now, width: Terminal.width, color: Output.hasColor)
        Output.result(page.text)
    }
}

extension StatusDocument {
    /// The node that a person means by `text`.
    func node(_ text: String) throws(Failure) -> NodeDocument {
        switch NodeChoice(text, among: nodes.map { .init(name: $0.name, port: $0.port, id: $0.id) }) {
        case .one(let index): return nodes[index]
        case .several(let found):
            throw Failure(
                "ambiguous-node",
                "'\(text)' begins the ids of "
                    + found.map { "\(nodes[$0].name) (\(nodes[$0].id?.short ?? ""))" }.joined(separator: ", "),
                hint: "give the name", exit: ControlAPI.ExitCode.usage)
        case .none:
            throw Failure(
                "unknown-node",
                "there is no node '\(text)'; the nodes are \(nodes.map(\.name.text).joined(separator: " "))",
                exit: ControlAPI.ExitCode.usage)
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
    @Argument(help: ArgumentHelp("ready, serving, or a node.", valueName: "what"), completion: Completion.nodeOrState)
    var what = "ready"
    @Option(help: ArgumentHelp("How long at most.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)

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
            if status.nodes.isEmpty { return false }
            let node = try status.node(what)
            return node.process == .running && node.health == .ok && (node.role == .master || node.link == .up)
        }
    }
}
