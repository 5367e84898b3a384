import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import StatusView

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the status of the cluster, or everything about one node.",
        discussion: """
            Uses the width of the terminal, or 80 columns without one; COLUMNS overrides both. Exits with 0 if every slot is served, \
            else with 1.

            --watch updates once a second until q or Ctrl-C, also when clusterd is upgraded or restarted. Shows changes of the last \
            seconds in reverse. Without a terminal, prints the status again when a state changes, and with --json one document a line; \
            a change of load figures alone does not count.

            clusterd status
            clusterd status 7002
            clusterd status --watch
            clusterd status --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: .node,
        completion: Completion.node)
    var node: String?
    @Flag(name: [.customShort("w"), .long], help: "Keep running and show changes.") var watch = false
    @Flag(help: "Print one JSON document; with --watch, one a line.") var json = false

    func run() throws {
        do {
            let client = try daemon.client()
            if watch { return try StatusWatch(client, node: node, json: json).run() }
            let look = try StatusLook(client, node: node)
            if json {
                Output.result(look.json)
            } else {
                let lines = look.lines(now: Terminal.now, width: Terminal.width)
                Output.result(lines.map { $0.rendered(Style(color: Output.hasColor)) }.joined(separator: "\n"))
            }
            if !look.status.cluster.serving { throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed) }
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }
}

/// The state of the cluster or of one node, as the daemon reports it at one moment.
struct StatusLook {
    let status: StatusDocument
    /// The requested node; nil: the whole cluster.
    let node: NodeDocument?
    /// What keeps the cluster from being ready.
    let waits: [String]

    init(_ client: ControlClient, node text: String?, timeout: Duration = .seconds(10)) throws(Failure) {
        status = try client.get(.status, StatusDocument.self, timeout: timeout)
        node = if let text { try status.node(text) } else { nil }
        waits =
            status.cluster.ready || text != nil
            ? [] : try client.get(.readyz, ProbeDocument.self, timeout: timeout).reasons
    }

    var json: [UInt8] {
        if let node { return (try? ControlJSON.encode(node)) ?? [] }
        return (try? ControlJSON.encode(status)) ?? []
    }

    func lines(earlier: [StatusDocument] = [], now: Timestamp, width: Int) -> [Line] {
        if let node { return NodePage(node, of: status, earlier: earlier, now: now, width: width).lines }
        return StatusTable(status, waits: waits, earlier: earlier, now: now, width: width).lines
    }
}

extension StatusDocument {
    /// The node that `text` names.
    func node(_ text: String) throws(Failure) -> NodeDocument {
        let candidates = nodes.map { NodeChoice.Candidate(name: $0.name, port: $0.port, id: $0.id) }
        return nodes[try NodeChoice.position(of: text, among: candidates)]
    }
}
