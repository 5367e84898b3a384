import ArgumentParser
import ControlAPI

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Read the configuration again.",
        discussion: """
            What can change while the nodes run does, on every node, and what somebody changed by hand is set back. What cannot is \
            named, and holds from the next start. A configuration with an error in it changes nothing (exit 78). Where a node that runs \
            refuses clusterd or does not answer, the others are told all the same, and the exit code is 1.

            clusterd reload
            clusterd reload --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        let reload: ReloadDocument
        do {
            reload = try daemon.client().get(.reload, ReloadDocument.self, timeout: .seconds(60))
        } catch {
            throw error.json(json)
        }
        if json {
            Output.result((try? ControlJSON.encode(reload)) ?? [])
        } else {
            Output.note("cluster   \(reload.cluster)")
            for line in ReloadText.lines(reload) { Output.result(line) }
        }
        if reload.unreached?.isEmpty == false { throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed) }
    }
}

/// What a reload came to, a line each.
enum ReloadText {
    static func lines(_ reload: ReloadDocument) -> [String] {
        var lines: [String] = []
        let live = reload.applied + reload.live
        if !live.isEmpty { lines.append("applied   \(live.joined(separator: ", "))") }
        for pending in reload.pendingRestart {
            let nodes = pending.nodes.map(\.text)
            lines.append("pending   \(pending.directive): from the next start of \(nodes.joined(separator: " "))")
        }
        if let node = reload.pendingRestart.first?.nodes.first {
            lines.append("          clusterd restart-node \(node)")
        }
        if !reload.pendingDaemon.isEmpty {
            lines.append("pending   \(reload.pendingDaemon.joined(separator: ", ")): from clusterd's next start")
        }
        lines += reload.later.map { "later     \($0)" }
        let unreached = reload.unreached ?? []
        if lines.isEmpty, !unreached.isEmpty {
            lines.append("unchanged the configuration is valid, and every node that could be compared is as it says")
        }
        lines += unreached.map { "unknown   \($0.node) could not be compared: \($0.why)" }
        if !unreached.isEmpty { lines.append("          clusterd check") }
        return lines.isEmpty ? ["unchanged the configuration is valid, and everything is as it says"] : lines
    }
}
