import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct FixCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fix",
        abstract: "Mend what check found and clusterd leaves to you.",
        discussion: """
            Shows each step first, with the keys that it is about, and asks; where nobody sits at a terminal, --yes is needed. \
            Nothing is deleted: what must go out of the way is kept in quarantine/, with a note. Where clusterd does not run, or \
            refuses to start because of what lies in its data folder, that folder is mended all the same.

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
    @Argument(help: ArgumentHelp("Only what is found on these nodes.", valueName: "node")) var nodes: [String] = []

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
            guard error.exit == ControlAPI.ExitCode.noDaemon else { throw error }
            return try fix(StoppedCluster(in: daemon.dataFolders, noDaemon: error))
        }
        guard keep == nil else {
            throw Failure(
                "nothing-to-choose",
                "\(status.cluster.name) runs: there are no two clusters of which one is to be kept",
                hint: "clusterd fix --dry-run", exit: ControlAPI.ExitCode.usage)
        }
        let client = try daemon.client()
        var plan = try client.get(.fixPlan, FixDocument.self, timeout: .seconds(60))
        let known = status.nodes.map { FixChoice.Node(name: $0.name, port: $0.port, id: $0.id) }
        try FixChoice(nodes, known).narrow(&plan)
        guard try show(plan) else { return }
        let key = "\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let change = ControlRequest.change(.fix(plan.mends.map(\.id)), idempotencyKey: key)
        let operation = try client.get(change, OperationDocument.self)
        try Following(client, json: false).follow(operation, for: timeout.duration)
        guard json else { return }
        plan.operation = try client.get(.operation(id: operation.id), OperationDocument.self)
        Output.result((try? ControlJSON.encode(plan)) ?? [])
    }

    private func fix(_ cluster: StoppedCluster) throws {
        let lock = try cluster.takeLock(only: dryRun ? .ifThere : .always)
        let findings = try cluster.plan(keep: keep)
        var plan = FixDocument(
            cluster: cluster.record?.cluster ?? "", dir: cluster.dataDirectory, findings.findings)
        let known = (cluster.record?.members ?? []).map {
            FixChoice.Node(name: $0.name, port: $0.ports.client, id: $0.id)
        }
        try FixChoice(nodes, known).narrow(&plan)
        guard try show(plan) else { return }
        for (index, document) in plan.mends.enumerated() {
            guard let mend = findings.mends.first(where: { $0.id == document.id }),
                let folder = try cluster.carryOut(mend)
            else { continue }
            plan.mends[index].folder = folder
            Output.note("          moved \(mend.folder ?? "") to \(folder)")
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
        let isOnly = dryRun || plan.mends.isEmpty
        if json {
            if isOnly { Output.result((try? ControlJSON.encode(plan)) ?? []) }
        } else {
            Output.result(FixText(plan).text)
        }
        if plan.mends.isEmpty, plan.left.contains(where: { $0.severity == .error }) {
            throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed)
        }
        if isOnly { return false }
        try Consent.ask(
            yes, "Do \(plan.mends.count == 1 ? "it" : "all of it")?",
            refusal:
                "\(plan.mends.count == 1 ? "this is" : "these are") done only once you say so; nothing was changed",
            hint: ["clusterd fix"] + (keep.map { ["--keep \($0)"] } ?? []) + nodes + ["--yes"])
        return true
    }
}

/// What a person must say yes to.
enum Consent {
    static func ask(_ given: Bool, _ question: String, refusal: String, hint: [String]) throws(Failure) {
        if given { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "not-confirmed", refusal, hint: hint.joined(separator: " "), exit: ControlAPI.ExitCode.refused)
        }
        Output.ask("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw Failure("not-confirmed", "nothing was changed", exit: ControlAPI.ExitCode.refused)
        }
    }
}

/// Which nodes a person means; none named is all.
struct FixChoice {
    struct Node {
        var name: NodeName
        var port: Int
        var id: NodeID?
    }

    private let names: [String]
    private let known: [Node]

    init(_ names: [String], _ known: [Node]) {
        self.names = names
        self.known = known
    }

    /// Leaves of a plan what is found on these nodes.
    func narrow(_ plan: inout FixDocument) throws(Failure) {
        guard !names.isEmpty else { return }
        var wanted = Set<NodeName>()
        for name in names {
            let found = resolve(name, in: plan)
            guard found.count == 1 else {
                let all = known.map(\.name.text).joined(separator: " ")
                throw Failure(
                    found.isEmpty ? "unknown-node" : "ambiguous-node",
                    found.isEmpty
                        ? "there is no node '\(name)'; the nodes are \(all)"
                        : "'\(name)' begins the ids of \(found.map(\.text).joined(separator: ", "))",
                    exit: ControlAPI.ExitCode.usage)
            }
            wanted.insert(found[0])
        }
        func isMeant(_ finding: FindingDocument) -> Bool { finding.node.map(wanted.contains) ?? false }
        plan.mends = plan.mends.filter { isMeant($0.finding) }
        plan.left = plan.left.filter(isMeant)
    }

    private func resolve(_ text: String, in plan: FixDocument) -> [NodeName] {
        let found = plan.mends.compactMap(\.finding.node)
        if let name = (known.map(\.name) + found).first(where: { $0.text == text }) { return [name] }
        if let port = text.split(separator: ":").last.flatMap({ Int($0) }),
            let node = known.first(where: { $0.port == port })
        {
            return [node.name]
        }
        let id = text.lowercased()
        guard id.allSatisfy(\.isHexDigit), id.count >= 8 || (id.count >= 4 && id.contains(where: \.isLetter)) else {
            return []
        }
        return known.filter { $0.id?.text.hasPrefix(id) == true }.map(\.name)
    }
}

/// A plan for people.
struct FixText {
    let plan: FixDocument

    init(_ plan: FixDocument) { self.plan = plan }

    var text: String {
        var lines: [String] = []
        for (index, mend) in plan.mends.enumerated() {
            lines.append("\(index + 1). \(mend.finding.message)  (\(mend.finding.code))")
            lines.append("   does    \(mend.text)")
            if let keys = mend.keys { lines.append("   keys    \(keys.inWords)") }
        }
        if !plan.left.isEmpty {
            lines.append(plan.mends.isEmpty ? "nothing that fix mends; left to you:" : "left to you:")
            for finding in plan.left {
                lines.append("   \(finding.message)  (\(finding.code))")
                if let hint = finding.hint { lines.append("   \(hint)") }
            }
        }
        return lines.isEmpty ? "nothing to fix" : lines.joined(separator: "\n")
    }
}
