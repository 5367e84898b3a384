import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import StatusView

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The cluster at a glance, or everything about one node.",
        discussion: """
            As wide as the terminal; 80 columns where there is none, or what COLUMNS says. Exit 0 while every slot is served, 1 \
            while some is not.

            --watch looks once a second until q or Ctrl-C, and goes on when clusterd is replaced. What changed in the last seconds is \
            shown in reverse. Where there is no terminal it prints the status anew when a state changes, and with --json one document a line; \
            numbers of load alone are no change.

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
    @Flag(name: [.customShort("w"), .long], help: "Go on, and show what changes.") var watch = false
    @Flag(help: "Print one JSON document; with --watch one a line.") var json = false

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

/// What the daemon says at one moment, of the cluster or of one node.
struct StatusLook {
    let status: StatusDocument
    /// The one that was asked for.
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
    /// The node that a person means by `text`.
    func node(_ text: String) throws(Failure) -> NodeDocument {
        do throws(NodeChoice.Unclear) {
            let candidates = nodes.map { NodeChoice.Candidate(name: $0.name, port: $0.port, id: $0.id) }
            return nodes[try NodeChoice.position(of: text, among: candidates)]
        } catch {
            throw Failure(error.code, error.message, hint: error.hint, exit: ControlAPI.ExitCode.usage)
        }
    }
}
