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

extension Record {
    /// What the operations move that have begun and have not ended.
    /// - Parameter queued: whether those that have not begun count as well.
    func slotMoves(queued: Bool = false) -> [SlotMove] {
        operations.filter { $0.state == .running || queued && $0.isOpen }.flatMap(\.slotMoves)
    }
}

extension Operation {
    /// reshard, rebalance: the moves are fixed when the request is admitted. What is left of them is read from the nodes in each turn.
    package struct Reshard: Sendable, Equatable, Codable {
        package var moves: [SlotMove]
        package var isRebalance: Bool
        /// The operator cancelled it: the slots that are half moved are still finished.
        package var isEnding = false
        /// What was ordered last: its slots count as half moved until the nodes have shown that none of them is. nil: nothing yet.
        package var part: Part?
        /// Atomic migrations failed again and again: the rest moves key by key.
        package var rejectsAtomic: Bool?
        /// The number of the last part of an earlier move of the same operation.
        package var partsBefore: Int?

        mutating func leaveAtomicWay() {
            rejectsAtomic = true
            part?.number += 1
            part?.way = .keys
        }

        /// A master that takes over may not know which slots were half moved (before Valkey 8 its replicas do not hear of it), so the
        /// record does.
        package struct Part: Sendable, Hashable, Codable {
            /// Distinguishes it from the earlier parts of the operation.
            package var number: Int
            package var from: NodeName
            package var to: NodeName
            package var slots: SlotSet
            package var way: Effect.SlotMigration.Way

            package init(
                number: Int, from: NodeName, to: NodeName, slots: SlotSet, way: Effect.SlotMigration.Way
            ) {
                self.number = number
                self.from = from
                self.to = to
                self.slots = slots
                self.way = way
            }
        }

        package init(moves: [SlotMove], isRebalance: Bool) {
            self.moves = moves
            self.isRebalance = isRebalance
        }

        package var slots: SlotSet { moves.reduce(SlotSet()) { $0.union($1.slots) } }
    }

    /// Whether it was cancelled and still finishes what is half moved.
    package var isEnding: Bool {
        switch kind {
        case .reshard(let reshard): reshard.isEnding
        case .change(let change): change.isEnding
        default: false
        }
    }

    package var isMoveOfSlots: Bool {
        if case .reshard = kind { true } else { false }
    }

    /// The moves of this operation, if it moves slots.
    package var slotMoves: [SlotMove] {
        switch kind {
        case .reshard(let reshard): return reshard.moves
        case .change(let change): return change.moves
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
        package var way = Way.keys
        /// The part of the operation that this is, as in the record.
        package var part = 0
        /// The operation was cancelled: only what is half moved is finished.
        package var isEnding = false

        /// How the slots move.
        package enum Way: String, Sendable, Hashable, Codable {
            /// SETSLOT and MIGRATE, key by key.
            case keys
            /// CLUSTER MIGRATESLOTS: the source sends a snapshot and what follows it, and all slots change their owner at once.
            case atomic
        }

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
    /// The last part of which each slot is now with all its keys at one node; nil: the last order left that open.
    package var whole: Int?
    /// The part that was not begun, because the target has keys of its slots: an atomic migration would end the target's process.
    package var stray: Int?

    package init(
        keys: Int64, time: Duration, keysPerCall: Int, whole: Int? = nil, stray: Int? = nil
    ) {
        self.keys = keys
        self.time = time
        self.keysPerCall = keysPerCall
        self.whole = whole
        self.stray = stray
    }

    mutating func add(_ more: MigratedKeys) {
        keys += more.keys
        time += more.time
        keysPerCall = more.keysPerCall
        whole = more.whole
        stray = more.stray
    }

    /// Keys per second, over the time in which keys were moved.
    package var perSecond: Int64 {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        return milliseconds > 0 ? keys * 1000 / milliseconds : 0
    }
}
