import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct FixCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix",
        abstract: "Repair problems found by check that need your consent.",
        discussion: """
            Shows each step with the keys that it concerns, and asks for confirmation; without a terminal, --yes is required. \
            Deletes nothing: moves what is in the way to quarantine/, with a note. Also repairs a data folder in which clusterd \
            does not run, or refuses to start because of the folder's contents.

            clusterd fix --dry-run
            clusterd fix --yes
            clusterd fix 7005
            clusterd fix --dir ./clusterd-data --keep 7000
            """)

    @Flag(help: "Show the steps without doing them.") var dryRun = false
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Option(
        help: ArgumentHelp(
            "If one folder holds two clusters: keep the cluster of this node (its name, or the beginning of its id).",
            valueName: "node")) var keep: String?
    @Flag(help: "Print one JSON document.") var json = false
    @Option(help: ArgumentHelp("How long to wait; the operation continues after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 600)
    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: ArgumentHelp("Repair only findings on these nodes.", valueName: "node"), completion: Completion.node)
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
            // No daemon answers if it refuses to start because of the folder's contents.
            guard error.exit == ControlAPI.ExitCode.noDaemon, daemon.cluster == nil else { throw error }
            return try fix(StoppedCluster(in: daemon.dataFolders, noDaemon: error), noDaemon: error)
        }
        guard keep == nil else {
            throw Failure(
                "nothing-to-choose",
                "\(status.cluster.name) is running: its folder does not hold two clusters for --keep to choose from",
                hint: "clusterd fix --dry-run")
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
        // The lock is taken only now, so that showing a plan keeps no daemon from starting. Then the plan is checked again.
        let lock = try cluster.takeLock()
        let offered = try StoppedCluster(in: [cluster.dataDirectory], noDaemon: noDaemon).plan(keep: keep).repairs
        for (index, document) in plan.repairs.enumerated() {
            guard let repair = offered.first(where: { $0.id == document.id }) else {
                throw Failure(
                    "repair-unknown", "\(document.finding.message): this is no longer the case",
                    hint: "clusterd fix --dry-run")
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

    /// Shows the plan. Returns true once the operator has confirmed it.
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
            yes, "Apply \(plan.repairs.count == 1 ? "this repair" : "all repairs")?",
            refusal:
                "\(plan.repairs.count == 1 ? "this repair needs" : "these repairs need") confirmation; nothing was changed",
            hint: ["clusterd fix"] + (keep.map { ["--keep \(ShellWord.quoted($0))"] } ?? [])
                + nodes.map(ShellWord.quoted)
                + ["--yes"])
        return true
    }
}

extension FixDocument {
    /// Keeps only the findings on these nodes; without names, keeps all. A stray folder is selected by its own name.
    mutating func narrow(to names: [String], among known: [NodeChoice.Candidate]) throws(Failure) {
        guard !names.isEmpty else { return }
        let strays = repairs.compactMap(\.finding.node).filter { name in !known.contains { $0.name == name } }
        var wanted = Set<NodeName>()
        for name in names {
            if let stray = strays.first(where: { $0.text == name }) {
                wanted.insert(stray)
                continue
            }
            wanted.insert(known[try NodeChoice.position(of: name, among: known)].name)
        }
        func isMeant(_ finding: FindingDocument) -> Bool { finding.node.map(wanted.contains) ?? false }
        repairs = repairs.filter { isMeant($0.finding) }
        left = left.filter(isMeant)
    }
}

/// The text form of a plan.
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
            lines.append(
                plan.repairs.isEmpty ? "nothing that fix can repair; left to the operator:" : "left to the operator:")
            for finding in plan.left {
                lines.append("   \(finding.message)  (\(finding.code))")
                if let hint = finding.hint { lines.append("   \(hint)") }
            }
        }
        return lines.isEmpty ? "nothing to fix" : lines.joined(separator: "\n")
    }
}
