import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import StatusView

struct DestroyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Stop a cluster, and delete what clusterd made of it, with every key.",
        discussion: """
            Its name must be said (clusterd status shows it). What clusterd did not make stays, and is named at the end: other \
            files, what links lead to, the data of folders that were laid out by hand, and quarantine/. Asks on a terminal; \
            elsewhere --yes is needed.

            clusterd destroy demo
            clusterd destroy demo --yes --dir /srv/demo
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(help: ArgumentHelp("The cluster's name.", valueName: "name"), completion: Completion.cluster) var name:
        String
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long the nodes may take to stop.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 120)

    func run() throws {
        do {
            try destroy()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func destroy() throws {
        let status = try? daemon.client().get(.status, StatusDocument.self)
        let condemned = try CondemnedCluster(in: status.map { [$0.cluster.dir] } ?? daemon.dataFolders)
        guard condemned.record.cluster == name else {
            throw Failure(
                "wrong-name",
                "the cluster in \(condemned.dataDirectory) is called '\(condemned.record.cluster)', not '\(name)'; "
                    + "nothing was changed",
                hint: "name its folder with --dir, or say its name", exit: ControlAPI.ExitCode.usage)
        }
        try condemned.mayBeDeleted()
        try confirm(condemned, try condemned.plan(), status)
        if status != nil {
            do {
                try Ending.stop.follow(daemon.client(), timeout.duration)
            } catch let failure as Failure where failure.code == "not-stopped" {
                // What could not be saved is to go anyway: `endProcesses` ends those nodes.
                Output.note("          \(failure.message)")
            }
        }
        let lock = try condemned.takeLock()
        try condemned.endProcesses()
        let result = try condemned.delete(try condemned.plan())
        withExtendedLifetime(lock) {}
        if json {
            Output.result((try? ControlJSON.encode(result)) ?? [])
        } else {
            Output.note("deleted   \(name): \(result.files) files, \(Short.bytes(result.bytes)) bytes")
            for kept in result.kept { Output.result("kept      \(kept.path)  (\(kept.why))") }
        }
    }

    private func confirm(_ cluster: CondemnedCluster, _ plan: Destruction, _ status: StatusDocument?) throws {
        let count = cluster.record.members.count
        let runs = status.map { "; it runs (pid \($0.cluster.daemon.pid))" } ?? ""
        Output.note("cluster   \(name): \(count) \(count == 1 ? "node" : "nodes") in \(cluster.dataDirectory)\(runs)")
        try Consent.ask(
            yes, "Delete them?", refusal: "this deletes every key of '\(name)'; nothing was changed",
            hint: ["clusterd destroy \(ShellWord.quoted(name)) --yes"]
        ) {
            let files = plan.steps.count { if case .file = $0 { true } else { false } }
            Output.note("delete    \(files) files, with every key")
            for kept in plan.kept { Output.note("keep      \(kept.path)  (\(kept.why))") }
        }
    }
}

/// What was deleted, and what was not.
struct DestroyDocument: Encodable {
    struct Kept: Encodable {
        var path: String
        var why: String
    }

    var cluster: String
    var dir: String
    var files = 0
    var bytes: Int64 = 0
    var kept: [Kept] = []
}
