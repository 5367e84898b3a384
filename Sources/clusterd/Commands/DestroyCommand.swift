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
        abstract: "Stop a cluster and delete everything that clusterd created for it, with every key.",
        discussion: """
            Requires the name of the cluster (clusterd status shows it). Keeps what clusterd did not create, and lists it at the \
            end: other files, the targets of links, the data of folders that were laid out by hand, and quarantine/. Asks for \
            confirmation on a terminal; without a terminal, --yes is required.

            clusterd destroy demo
            clusterd destroy demo --yes --dir /srv/demo
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(help: ArgumentHelp("The cluster's name.", valueName: "name"), completion: Completion.cluster) var name:
        String
    @Flag(help: "Do not ask for confirmation.") var yes = false
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
                "the cluster in \(condemned.dataDirectory) is named '\(condemned.record.cluster)', not '\(name)'; "
                    + "nothing was changed",
                hint: "give the folder of '\(name)' with --dir, or the name '\(condemned.record.cluster)'")
        }
        try condemned.mayBeDeleted()
        try confirm(condemned, try condemned.plan(), status)
        if status != nil {
            do {
                try Ending.stop.follow(daemon.client(), timeout.duration)
            } catch let failure as Failure where failure.code == "not-stopped" {
                // The keys that could not be saved are deleted anyway: `endProcesses` kills those nodes.
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
        let runs = status.map { "; running (pid \($0.cluster.daemon.pid))" } ?? ""
        Output.note("cluster   \(name): \(count) \(count == 1 ? "node" : "nodes") in \(cluster.dataDirectory)\(runs)")
        try Consent.ask(
            yes, "Delete the cluster with every key?",
            refusal: "destroy deletes every key of '\(name)' and needs confirmation; nothing was changed",
            hint: ["clusterd destroy \(ShellWord.quoted(name)) --yes"]
        ) {
            let files = plan.steps.count { if case .file = $0 { true } else { false } }
            Output.note("delete    \(files) files, with every key")
            for kept in plan.kept { Output.note("keep      \(kept.path)  (\(kept.why))") }
        }
    }
}

/// The files that `destroy` deleted and kept.
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
