import ArgumentParser
import ControlAPI

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Every cluster on this host that you may see.",
        discussion: """
            Found among the processes that run, and where clusters usually lie. By the name that is shown here every other \
            command finds its cluster, with --cluster. Daemons of other users are shown, as far as they may be seen (with \
            sudo, all), and not spoken to.

            clusterd list
            clusterd list --json
            """)

    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        let clusters = RunningClusters.find()
        if json { return Output.result((try? ControlJSON.encode(ListDocument(clusters: clusters))) ?? []) }
        guard !clusters.isEmpty else {
            return Output.note("no cluster runs here that you may see (start one: clusterd up)")
        }
        Output.result(ListTable(clusters, color: Output.hasColor).text)
    }
}
