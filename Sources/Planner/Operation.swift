import ClusterModel

/// Something that a person asked for and that takes time. A value in the record, moved on by `decide` like everything
/// else, so that it survives the client and the daemon.
package struct Operation: Sendable, Equatable, Codable {
    package var id: Int
    package var kind: Kind
    package var state = State.queued
    package var steps: [Step] = []
    package var startedAt: WallTime
    package var endedAt: WallTime?
    package var error: String?
    /// What the client named this request, so that asking twice is asking once.
    package var idempotencyKey: String?

    package init(id: Int, kind: Kind, startedAt: WallTime, idempotencyKey: String?) {
        self.id = id
        self.kind = kind
        self.startedAt = startedAt
        self.idempotencyKey = idempotencyKey
    }

    package enum Kind: Sendable, Equatable, Codable {
        case restartNode(RestartNode)
    }

    package enum State: String, Sendable, Codable { case queued, running, done, failed, cancelled }

    package struct Step: Sendable, Equatable, Codable {
        package var text: String
        package var at: WallTime
        package var state: State

        package init(text: String, at: WallTime, state: State) {
            self.text = text
            self.at = at
            self.state = state
        }
    }

    package struct RestartNode: Sendable, Equatable, Codable {
        package var node: NodeName
        /// The process that is to be replaced: done when *that one* is gone. nil: none ran.
        package var replaces: ProcessIdentity?
        package var noFailover: Bool
        package var restoreRoles: Bool
        package var force: Bool
        /// Whether it was master when this was asked for: it is, if roles are to be restored, to be again.
        package var wasMaster: Bool
        /// The replica that took over from it.
        package var successor: NodeName?

        package init(
            node: NodeName, replaces: ProcessIdentity?, noFailover: Bool, restoreRoles: Bool, force: Bool,
            wasMaster: Bool
        ) {
            self.node = node
            self.replaces = replaces
            self.noFailover = noFailover
            self.restoreRoles = restoreRoles
            self.force = force
            self.wasMaster = wasMaster
        }
    }

    package var isOpen: Bool { state == .queued || state == .running }
    package var node: NodeName? {
        switch kind {
        case .restartNode(let restart): restart.node
        }
    }
    package var name: String {
        switch kind {
        case .restartNode: "restart-node"
        }
    }
    package var currentStep: String? { steps.last?.text }
}
