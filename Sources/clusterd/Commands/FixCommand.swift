import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct FixCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix",
        abstract: "Repair what check found and clusterd leaves to you.",
        discussion: """
            Shows each step first, with the keys that it is about, and asks; where nobody sits at a terminal, --yes is needed. \
            Nothing is deleted: what must go out of the way is kept in quarantine/, with a note. Where clusterd does not run, or \
            refuses to start because of what lies in its data folder, that folder is repaired all the same.

            clusterd fix --dry-run
            clusterd fix --yes
            clusterd fix 7005
            clusterd fix --dir ./clusterd-data --keep 7000
            """)

    @Flag(help: "Only show what would be done.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false
    @Option(
        help: ArgumentHelp(
            "Where two clusters lie in one folder: a node, or the beginning of the id of one, of the cluster that stays.",
            valueName: "node")) var keep: String?
    @Flag(help: "Print one JSON document.") var json = false
    @Option(help: ArgumentHelp("How long to wait [10m]; the work goes on after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 600)
    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: ArgumentHelp("Only what is found on these nodes.", valueName: "node"), completion: Completion.node)
    var nodes: [String] = []

    func run() throws {
        do {
            try fix()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func fix() throws {
        let status: StatusDocument
        do throws(Failure) {
            status = try daemon.client().get(.status, StatusDocument.self)
        } catch {
            // A daemon that refuses to start because of what lies there leaves nobody to speak to.
            guard error.exit == ControlAPI.ExitCode.noDaemon, daemon.cluster == nil else { throw error }
            return try fix(StoppedCluster(in: daemon.dataFolders, noDaemon: error), noDaemon: error)
        }
        guard keep == nil else {
            throw Failure(
                "nothing-to-choose",
                "\(status.cluster.name) runs: there are no two clusters of which one is to be kept",
                hint: "clusterd fix --dry-run", exit: ControlAPI.ExitCode.usage)
        }
        let client = try daemon.client()
        var plan = try client.get(.fixPlan, FixDocument.self, timeout: .seconds(60))
        try plan.narrow(to: nodes, among: status.nodes.map { .init(name: $0.name, port: $0.port, id: $0.id) })
        guard try show(plan) else { return }
        let key = "\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let change = ControlRequest.change(.fix(plan.repairs.map(\.id)), idempotencyKey: key)
        let operation = try client.get(change, OperationDocument.self)
        try Following(client, json: false).follow(operation, for: timeout.duration)
        guard json else { return }
        plan.operation = try client.get(.operation(id: operation.id), OperationDocument.self)
        Output.result((try? ControlJSON.encode(plan)) ?? [])
    }

    private func fix(_ cluster: StoppedCluster, noDaemon: Failure) throws {
        var plan = FixDocument(
            cluster: cluster.record?.cluster ?? "", dir: cluster.dataDirectory, try cluster.plan(keep: keep).findings)
        try plan.narrow(
            to: nodes,
            among: (cluster.record?.members ?? []).map { .init(name: $0.name, port: $0.ports.client, id: $0.id) })
        guard try show(plan) else { return }
        // Only now: somebody who looks keeps no daemon from starting. What was shown is looked at once more.
        let lock = try cluster.takeLock()
        let offered = try StoppedCluster(in: [cluster.dataDirectory], noDaemon: noDaemon).plan(keep: keep).repairs
        for (index, document) in plan.repairs.enumerated() {
            guard let repair = offered.first(where: { $0.id == document.id }) else {
                throw Failure(
                    "repair-unknown", "\(document.finding.message): this is no longer so",
                    hint: "clusterd fix --dry-run", exit: ControlAPI.ExitCode.failed)
            }
            guard let folder = try cluster.carryOut(repair) else { continue }
            plan.repairs[index].folder = folder
            Output.note("          moved \(repair.folder ?? "") to \(folder)")
        }
        withExtendedLifetime(lock) {}
        if json {
            Output.result((try? ControlJSON.encode(plan)) ?? [])
        } else {
            Output.note("done      clusterd can be started again")
        }
    }

    /// Shows what would be done; true once a person has said yes to it.
    private func show(_ plan: FixDocument) throws -> Bool {
        let name = plan.cluster.isEmpty ? plan.dir : "\(plan.cluster) (\(plan.dir))"
        Output.note("cluster   \(name)")
        let isOnly = dryRun || plan.repairs.isEmpty
        if json {
            if isOnly { Output.result((try? ControlJSON.encode(plan)) ?? []) }
        } else {
            Output.result(FixText(plan).text)
        }
        if plan.repairs.isEmpty, plan.left.contains(where: { $0.severity == .error }) {
            throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed)
        }
        if isOnly { return false }
        try Consent.ask(
            yes, "Do \(plan.repairs.count == 1 ? "it" : "all of it")?",
            refusal:
                "\(plan.repairs.count == 1 ? "this is" : "these are") done only once you say so; nothing was changed",
            hint: ["clusterd fix"] + (keep.map { ["--keep \(ShellWord.quoted($0))"] } ?? [])
                + nodes.map(ShellWord.quoted)
                + ["--yes"])
        return true
    }
}

extension FixDocument {
    /// Leaves of it what is found on these nodes; none named is all. A folder beside the nodes goes by its own name.
    mutating func narrow(to names: [String], among known: [NodeChoice.Candidate]) throws(Failure) {
        guard !names.isEmpty else { return }
        let strays = repairs.compactMap(\.finding.node).filter { name in !known.contains { $0.name == name } }
        var wanted = Set<NodeName>()
        for name in names {
            if let stray = strays.first(where: { $0.text == name }) {
                wanted.insert(stray)
                continue
            }
            do throws(NodeChoice.Unclear) {
                wanted.insert(known[try NodeChoice.position(of: name, among: known)].name)
            } catch {
                throw Failure(error.code, error.message, hint: error.hint, exit: ControlAPI.ExitCode.usage)
            }
        }
        func isMeant(_ finding: FindingDocument) -> Bool { finding.node.map(wanted.contains) ?? false }
        repairs = repairs.filter { isMeant($0.finding) }
        left = left.filter(isMeant)
    }
}

/// A plan for people.
struct FixText {
    let plan: FixDocument

    init(_ plan: FixDocument) { self.plan = plan }

    var text: String {
        var lines: [String] = []
        for (index, repair) in plan.repairs.enumerated() {
            lines.append("\(index + 1). \(repair.finding.message)  (\(repair.finding.code))")
            lines.append("   does    \(repair.text)")
            if let keys = repair.keys { lines.append("   keys    \(keys.inWords)") }
        }
        if !plan.left.isEmpty {
            lines.append(plan.repairs.isEmpty ? "nothing that fix repairs; left to you:" : "left to you:")
            for finding in plan.left {
                lines.append("   \(finding.message)  (\(finding.code))")
                if let hint = finding.hint { lines.append("   \(hint)") }
            }
        }
        return lines.isEmpty ? "nothing to fix" : lines.joined(separator: "\n")
    }
}
