import ArgumentParser
import ControlAPI

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the clusters on this host that you have access to.",
        discussion: """
            Finds clusters among the running processes and in the usual data folders. Every other command accepts a name that is \
            shown here, with --cluster. Lists the daemons of other users as far as permissions allow (with sudo: all), but does \
            not query them.

            clusterd list
            clusterd list --json
            """)

    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        let clusters = RunningClusters.find()
        if json { return Output.result((try? ControlJSON.encode(ListDocument(clusters: clusters))) ?? []) }
        guard !clusters.isEmpty else {
            return Output.note("there is no cluster on this host that you may see (start one: clusterd up)")
        }
        Output.result(ListTable(clusters, color: Output.hasColor).text)
    }
}
