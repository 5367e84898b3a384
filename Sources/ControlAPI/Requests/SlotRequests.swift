import ClusterModel

/// The bodies of `POST /v1/reshard` and `POST /v1/rebalance`.
extension Command.Reshard {
    var body: [String: JSONValue] {
        var body: [String: JSONValue] = ["from": .string(from), "to": .string(to)]
        switch slots {
        case .count(let count): body["count"] = .integer(Int64(count))
        case .exactly(let slots): body["slots"] = .array(slots.texts.map { .string($0) })
        }
        if dryRun { body["dryRun"] = .bool(true) }
        return body
    }
}

extension Command.Rebalance {
    var body: [String: JSONValue] {
        var body: [String: JSONValue] = [:]
        if !weights.isEmpty { body["weights"] = .object(weights.mapValues { .number($0) }) }
        if let threshold { body["threshold"] = .number(threshold) }
        if useEmptyMasters { body["useEmptyMasters"] = .bool(true) }
        if dryRun { body["dryRun"] = .bool(true) }
        return body
    }
}

extension RequestBody {
    func reshard() throws(ControlRejection) -> Command.Reshard {
        let members = try named(["from", "to", "count", "slots", "dryRun"])
        guard case .string(let from)? = members["from"], case .string(let to)? = members["to"] else {
            throw .malformed("'from' and 'to' in the body must name a node each")
        }
        let amount: Command.Reshard.Amount
        switch (members["count"] ?? .null, members["slots"] ?? .null) {
        case (.integer(let count), .null):
            guard (1...Int64(SlotSet.slotCount)).contains(count) else {
                throw .malformed("'count' in the body is not a number of slots from 1 to \(SlotSet.slotCount)")
            }
            amount = .count(Int(count))
        case (.null, .array(let values)):
            var texts: [String] = []
            for value in values {
                guard case .string(let text) = value else {
                    throw .malformed("'slots' in the body contains an element that is not a string")
                }
                texts.append(text)
            }
            guard !texts.isEmpty, let slots = SlotSet(texts: texts) else {
                throw .malformed("'slots' in the body are not ranges of slots, such as 0-99 or 7000")
            }
            amount = .exactly(slots)
        default: throw .malformed("the body must have either 'count' or 'slots'")
        }
        return Command.Reshard(from: from, to: to, slots: amount, dryRun: try flag("dryRun", members))
    }

    func rebalance() throws(ControlRejection) -> Command.Rebalance {
        let members = try named(["weights", "threshold", "useEmptyMasters", "dryRun"])
        var request = Command.Rebalance()
        switch members["weights"] ?? .null {
        case .null: break
        case .object(let weights):
            for (node, value) in weights {
                guard let weight = Self.number(value), weight > 0 else {
                    throw .malformed("the weight of '\(node.prefix(40))' in the body is not a number above 0")
                }
                request.weights[node] = weight
            }
        default: throw .malformed("'weights' in the body is not an object")
        }
        if let value = members["threshold"], value != .null {
            guard let threshold = Self.number(value), (0...100).contains(threshold) else {
                throw .malformed("'threshold' in the body is not a percentage from 0 to 100")
            }
            request.threshold = threshold
        }
        request.useEmptyMasters = try flag("useEmptyMasters", members)
        request.dryRun = try flag("dryRun", members)
        return request
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    func flag(_ name: String, _ members: [String: JSONValue]) throws(ControlRejection) -> Bool {
        switch members[name] ?? .null {
        case .bool(let value): return value
        case .null: return false
        default: throw .malformed("'\(name)' in the body is neither true nor false")
        }
    }
}
