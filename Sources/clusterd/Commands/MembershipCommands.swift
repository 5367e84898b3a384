import ArgumentParser
import ClusterModel
import ControlAPI

struct AddNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-node",
        abstract: "Add a master with its share of the slots, or a replica.",
        discussion: """
            The node gets the next free port of the configuration. Slots move to a new master with their keys, while clients work. \
            The operation continues when this command, a node or clusterd is killed. Waits for 30m by default.

            clusterd add-node
            clusterd add-node --replica-of 7000
            clusterd add-node --dry-run
            """)

    @Option(
        help: ArgumentHelp("Add a replica to the shard of this node.", valueName: "node"), completion: Completion.node)
    var replicaOf: String?
    @Flag(help: "Give the new master no slots yet.") var empty = false
    @Flag(help: "Print the plan without doing it.") var dryRun = false
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        if empty, replicaOf != nil {
            throw ValidationError("--empty is for a new master, and --replica-of for a replica.")
        }
    }

    func run() throws {
        let change = Command.addNode(.init(replicaOf: replicaOf, isEmpty: empty, dryRun: dryRun))
        if dryRun { return MembershipText.show(try options.plan(change), json: options.json) }
        try options.carryOut(change, within: .seconds(1800))
    }
}

struct RemoveNodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-node",
        abstract: "Remove a node, or a whole shard, from the cluster.",
        discussion: """
            A master hands over to its replica first; the slots of a shard that goes move to the others with their keys. The node \
            stops, the others forget it, and its files go to quarantine/. Waits for 30m by default.

            clusterd remove-node 7003
            clusterd remove-node 7002 --shard --dry-run
            """)

    @Argument(help: .node, completion: Completion.node) var node: String
    @Flag(help: "Remove all nodes of its shard.") var shard = false
    @Flag(help: "Remove it even if its master is left without a replica, or nodes that are down still know it.")
    var force = false
    @Flag(help: "Print the plan without doing it.") var dryRun = false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        let change = Command.removeNode(.init(node: node, shard: shard, force: force, dryRun: dryRun))
        if dryRun { return MembershipText.show(try options.plan(change), json: options.json) }
        try options.carryOut(change, within: .seconds(1800))
    }
}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what clusterd apply would change.",
        discussion: """
            Reads the configuration, and compares the masters and replicas that it wants with those of the cluster. Changes nothing.

            clusterd plan
            clusterd plan --json
            """)

    @OptionGroup var options: PlanOptions

    func run() throws {
        MembershipText.show(try options.plan(), json: options.json)
    }
}

/// The options of a command that shows a plan.
struct PlanOptions: ParsableArguments {
    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document.") var json = false

    func plan() throws -> OperationDocument {
        do throws(Failure) {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            Output.note("cluster   \(status.cluster.name)")
            let request = ControlRequest.change(.apply(.init(dryRun: true)), idempotencyKey: nil)
            return try client.get(request, OperationDocument.self, timeout: .seconds(60))
        } catch {
            throw error.json(json)
        }
    }
}

struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Change the cluster to what the configuration wants.",
        discussion: """
            Shows the plan and asks for confirmation; without a terminal, --yes is required. Applies changed settings as clusterd \
            reload does, then adds and removes nodes and moves slots, one part after the other. What is done stays when it is \
            cancelled or fails; the next apply continues. Waits for 30m by default.

            clusterd apply
            clusterd apply --yes
            """)

    @Flag(help: "Do not ask for confirmation.") var yes = false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        let plan = try options.plan(.apply(.init(dryRun: true)))
        let parts = plan.parts ?? []
        if !options.json { MembershipText.show(plan, json: false) }
        do throws(Failure) {
            if !parts.isEmpty {
                try Consent.ask(
                    yes, "Apply this plan?", refusal: "this plan needs confirmation; nothing was changed",
                    hint: ["clusterd apply --yes"])
            }
        } catch {
            throw error.json(options.json)
        }
        try options.carryOut(.apply(.init(parts: parts.map(\.id))), within: .seconds(1800))
    }
}

/// The text form of a plan.
enum MembershipText {
    static func show(_ plan: OperationDocument, json: Bool) {
        if json { return Output.result((try? ControlJSON.encode(plan)) ?? []) }
        Output.result(lines(plan).joined(separator: "\n"))
    }

    static func lines(_ plan: OperationDocument) -> [String] {
        let parts = (plan.parts ?? []).enumerated().map { "\($0.offset + 1). \($0.element.text)" }
        let notes = (plan.notes ?? []).map { "   \($0)" }
        return parts + notes + (parts.isEmpty ? [plan.step ?? "there is nothing to change"] : [])
    }
}
