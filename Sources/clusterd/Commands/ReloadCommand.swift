import ArgumentParser
import ControlAPI

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Read the configuration again, and apply changes.",
        discussion: """
            Applies what can change while the nodes run to every node, and sets back what was changed by hand. Lists what cannot \
            change at run time; it takes effect at the next start. A configuration with an error changes nothing (exit 78). If a \
            running node rejects clusterd or does not answer, updates the other nodes and exits with 1.

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

/// The text form of a reload: one line for each result.
enum ReloadText {
    static func lines(_ reload: ReloadDocument) -> [String] {
        var lines: [String] = []
        let live = reload.applied + reload.live
        if !live.isEmpty { lines.append("applied   \(live.joined(separator: ", "))") }
        for pending in reload.pendingRestart {
            let nodes = pending.nodes.map(\.text)
            lines.append(
                "pending   \(pending.directive): takes effect at the next start of \(nodes.joined(separator: " "))")
        }
        if let node = reload.pendingRestart.first?.nodes.first {
            lines.append("          clusterd restart-node \(node)")
        }
        if !reload.pendingDaemon.isEmpty {
            lines.append(
                "pending   \(reload.pendingDaemon.joined(separator: ", ")): takes effect when clusterd restarts")
        }
        lines += reload.later.map { "later     \($0)" }
        let unreached = reload.unreached ?? []
        if lines.isEmpty, !unreached.isEmpty {
            lines.append("unchanged the configuration is valid, and every node that could be compared matches it")
        }
        lines += unreached.map { "unknown   \($0.node) could not be compared: \($0.why)" }
        if !unreached.isEmpty { lines.append("          clusterd check") }
        return lines.isEmpty ? ["unchanged the configuration is valid, and everything matches it"] : lines
    }
}
