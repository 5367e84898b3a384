import ClusterModel

/// Slots that go from one shard to another. A node names its shard: the node was its master when the move was requested, and another
/// node of the shard may be master by now.
package struct SlotMove: Sendable, Hashable, Codable {
    package var from: NodeName
    package var to: NodeName
    package var slots: SlotSet

    package init(from: NodeName, to: NodeName, slots: SlotSet) {
        self.from = from
        self.to = to
        self.slots = slots
    }
}

extension Operation {
    /// reshard, rebalance: the moves are fixed when the request is admitted. What is left of them is read from the nodes in each turn.
    package struct Reshard: Sendable, Equatable, Codable {
        package var moves: [SlotMove]
        package var isRebalance: Bool
        /// The operator cancelled it: the slots that are half moved are still finished.
        package var isEnding = false

        package init(moves: [SlotMove], isRebalance: Bool) {
            self.moves = moves
            self.isRebalance = isRebalance
        }

        package var slots: SlotSet { moves.reduce(SlotSet()) { $0.union($1.slots) } }
    }

    /// Whether it was cancelled and still finishes what is half moved.
    package var isEnding: Bool {
        if case .reshard(let reshard) = kind { reshard.isEnding } else { false }
    }

    package var isMoveOfSlots: Bool {
        if case .reshard = kind { true } else { false }
    }

    /// The moves of this operation, if it moves slots.
    package var slotMoves: [SlotMove] {
        switch kind {
        case .reshard(let reshard): return reshard.moves
        case .fix(let fix):
            guard case .finishMove(let move)? = fix.remaining.first else { return [] }
            return [move.move]
        default: return []
        }
    }
}

extension Effect {
    /// A bounded part of a move. The driver compares the ids and the owners before it sends anything that changes a node.
    package struct SlotMigration: Sendable, Equatable {
        /// The operation that it is part of.
        package var operation: Int
        package var source: NodeName
        package var sourceID: NodeID
        package var target: NodeName
        package var targetID: NodeID
        package var slots: SlotSet
        /// Replicas of the target: one of them must have the keys before the target becomes the owner. Empty: the target has none in sync.
        package var witnesses: [Witness]
        /// How many keys the first MIGRATE moves; the driver adapts it to the time that a call takes.
        package var keysPerCall: Int
        /// No further slot is opened, and no further key is moved, after this time.
        package var budget: Duration
        /// MIGRATE blocks the source: it gives up after this time without progress.
        package var callLimit: Duration

        package struct Witness: Sendable, Equatable {
            package var node: NodeName
            package var contact: Contact

            package init(node: NodeName, contact: Contact) {
                self.node = node
                self.contact = contact
            }
        }

        package init(
            operation: Int, source: NodeName, sourceID: NodeID, target: NodeName, targetID: NodeID, slots: SlotSet,
            witnesses: [Witness], keysPerCall: Int, budget: Duration, callLimit: Duration
        ) {
            self.operation = operation
            self.source = source
            self.sourceID = sourceID
            self.target = target
            self.targetID = targetID
            self.slots = slots
            self.witnesses = witnesses
            self.keysPerCall = keysPerCall
            self.budget = budget
            self.callLimit = callLimit
        }
    }
}

/// What the migrations of one operation have moved since this daemon began: shown, and the next one's pace. No order depends on it.
package struct MigratedKeys: Sendable, Equatable {
    package var keys: Int64
    package var time: Duration
    /// How many keys one call moved at last.
    package var keysPerCall: Int

    package init(keys: Int64, time: Duration, keysPerCall: Int) {
        self.keys = keys
        self.time = time
        self.keysPerCall = keysPerCall
    }

    mutating func add(_ more: MigratedKeys) {
        keys += more.keys
        time += more.time
        keysPerCall = more.keysPerCall
    }

    /// Keys per second, over the time in which keys were moved.
    package var perSecond: Int64 {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        return milliseconds > 0 ? keys * 1000 / milliseconds : 0
    }
}
