import ClusterModel

/// A request of the operator that takes time.
package struct OperationDocument: Hashable, Sendable, Codable {
    package var id: String
    /// The command's name: `restart-node`.
    package var kind: String
    package var node: NodeName?
    package var state: State
    /// What the operation does, or waits for, now.
    package var step: String?
    package var steps: [Step]
    package var startedAt: Timestamp
    package var endedAt: Timestamp?
    package var error: String?
    /// The slots that it moves, as they were when it was requested; nil: it moves none, or the daemon has an older version.
    package var moves: [Move]?
    /// What is still to be done, if it changes which nodes the cluster has; nil: it does not, or the daemon has an older version.
    package var parts: [Part]?
    /// What the configuration changes besides, in sentences: in the answer to a plan.
    package var notes: [String]?

    package init(
        id: String, kind: String, node: NodeName?, state: State, step: String? = nil, steps: [Step] = [],
        startedAt: Timestamp, endedAt: Timestamp? = nil, error: String? = nil, moves: [Move]? = nil
    ) {
        self.id = id
        self.kind = kind
        self.node = node
        self.state = state
        self.step = step
        self.steps = steps
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.error = error
        self.moves = moves
    }

    package struct Move: Hashable, Sendable, Codable {
        package var from: NodeName
        package var to: NodeName
        package var slots: [String]
        package var count: Int

        package init(from: NodeName, to: NodeName, slots: [String], count: Int) {
            self.from = from
            self.to = to
            self.slots = slots
            self.count = count
        }
    }

    /// One change of the nodes that the cluster has.
    package struct Part: Hashable, Sendable, Codable {
        /// What the client confirms.
        package var id: String
        package var text: String
        /// What it will move, in the answer to a plan; nil: no slots, or it is under way.
        package var slots: Int?
        /// Estimated from the slots; nil: it moves none, or a node that gives them does not answer.
        package var keys: Int64?
        /// As `keys`: of memory.
        package var bytes: Int64?

        package init(id: String, text: String) {
            self.id = id
            self.text = text
        }
    }

    package enum State: String, Sendable, Codable {
        case queued, running, done, failed, cancelled

        package var hasEnded: Bool {
            switch self {
            case .queued, .running: false
            case .done, .failed, .cancelled: true
            }
        }
    }

    package struct Step: Hashable, Sendable, Codable {
        package var text: String
        package var at: Timestamp
        package var state: State

        package init(text: String, at: Timestamp, state: State) {
            self.text = text
            self.at = at
            self.state = state
        }
    }
}

/// The answer of `/v1/operations`.
package struct OperationsDocument: Hashable, Sendable, Codable {
    package var operations: [OperationDocument]

    package init(_ operations: [OperationDocument]) { self.operations = operations }
}

/// The answer of `/livez`, `/servingz` and `/readyz`: 200 if `ok`, else 503 with the reasons.
package struct ProbeDocument: Hashable, Sendable, Codable {
    package var ok: Bool
    package var reasons: [String]

    package init(reasons: [String]) {
        self.ok = reasons.isEmpty
        self.reasons = reasons
    }
}
