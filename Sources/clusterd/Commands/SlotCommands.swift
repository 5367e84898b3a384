import ArgumentParser
import ClusterModel
import ControlAPI

struct ReshardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reshard",
        abstract: "Move slots with their keys from one shard to another.",
        discussion: """
            Clients read and write all keys meanwhile. The operation continues when this command, a node or clusterd is killed; \
            clusterd cancel ends it once no slot is half moved. Waits for 30m by default.

            clusterd reshard --from 7000 --to 7001 --slots 100
            clusterd reshard --from 7000 --to 7001 --slot-range 0-99,200
            clusterd reshard --from 7000 --to 7001 --slots 1000 --dry-run
            """)

    @Option(
        help: ArgumentHelp("Take slots from the shard of this node.", valueName: "node"), completion: Completion.node)
    var from: String
    @Option(
        help: ArgumentHelp("Give them to the shard of this node.", valueName: "node"), completion: Completion.node)
    var to: String
    @Option(help: ArgumentHelp("How many slots to move: the highest ones of the shard.", valueName: "number"))
    var slots: Int?
    @Option(help: ArgumentHelp("Which slots to move: 0-99,200.", valueName: "ranges")) var slotRange: String?
    @Flag(help: "Print the moves without doing them.") var dryRun = false
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        switch (slots, slotRange) {
        case (let count?, nil):
            guard (1...SlotSet.slotCount).contains(count) else {
                throw ValidationError("\(count) is not a number of slots from 1 to \(SlotSet.slotCount).")
            }
        case (nil, let ranges?):
            guard Self.parse(ranges) != nil else {
                throw ValidationError("'\(ranges)' are not ranges of slots, such as 0-99,200.")
            }
        default: throw ValidationError("Say which slots to move: either --slots or --slot-range.")
        }
    }

    func run() throws {
        let ranges = slotRange.flatMap(Self.parse)
        let amount = ranges.map { Command.Reshard.Amount.exactly($0) } ?? .count(slots ?? 0)
        let change = Command.reshard(Command.Reshard(from: from, to: to, slots: amount, dryRun: dryRun))
        if dryRun { return PlannedMoves.show(try options.plan(change), json: options.json) }
        try options.carryOut(change, within: .seconds(1800))
    }

    private static func parse(_ text: String) -> SlotSet? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return SlotSet(texts: parts)
    }
}

struct RebalanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebalance",
        abstract: "Move slots until every master has its share.",
        discussion: """
            Does nothing if no master differs from its share by more than the threshold. Works like reshard: clients read and write \
            all keys meanwhile, and the operation continues when a process is killed. Waits for 30m by default.

            clusterd rebalance --dry-run
            clusterd rebalance --weight 7000=2
            clusterd rebalance --use-empty-masters
            """)

    @Option(
        help: ArgumentHelp("The share of a master relative to the others, which have 1.", valueName: "node=number"))
    var weight: [WeightArgument] = []
    @Option(help: ArgumentHelp("Tolerate this difference, in percent of a master's share.", valueName: "percent"))
    var threshold: Double = Command.Rebalance.usualThreshold
    @Flag(help: "Also give slots to masters that have none.") var useEmptyMasters = false
    @Flag(help: "Print the moves without doing them.") var dryRun = false
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        guard (0...100).contains(threshold) else {
            throw ValidationError("\(threshold) is not a percentage from 0 to 100.")
        }
        guard Set(weight.map(\.node)).count == weight.count else {
            throw ValidationError("A node has two weights.")
        }
    }

    func run() throws {
        let weights = Dictionary(weight.map { ($0.node, $0.weight) }, uniquingKeysWith: { $1 })
        let change = Command.rebalance(
            Command.Rebalance(
                weights: weights, threshold: threshold, useEmptyMasters: useEmptyMasters, dryRun: dryRun))
        if dryRun { return PlannedMoves.show(try options.plan(change), json: options.json) }
        try options.carryOut(change, within: .seconds(1800))
    }
}

/// `7000=2.5`.
struct WeightArgument: ExpressibleByArgument {
    var node: String
    var weight: Double

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let weight = Double(parts[1]), weight > 0, weight.isFinite else { return nil }
        node = parts[0]
        self.weight = weight
    }
}

/// What `--dry-run` prints.
enum PlannedMoves {
    static func show(_ plan: OperationDocument, json: Bool) {
        if json { return Output.result((try? ControlJSON.encode(plan)) ?? []) }
        let lines = (plan.moves ?? []).map { move in
            "\(move.from) → \(move.to)  \(move.count) \(move.count == 1 ? "slot" : "slots")  "
                + move.slots.joined(separator: " ")
        }
        Output.result((lines + [plan.step ?? "there is nothing to move"]).joined(separator: "\n"))
    }
}
