import ClusterModel

/// Commands about one node.
extension Admission {
    mutating func restart(
        _ text: String, noFailover: Bool, restoreRoles: Bool, force: Bool, _ key: String?
    ) throws(Failure) -> Operation {
        let node = try Self.member(text, record).name
        if record.member(node)?.wanted == .stopped, !isRunning(node) {
            throw Failure(
                .nodeIsStopped, "\(node) is stopped and stays stopped", hint: "clusterd start-node \(node)")
        }
        if isRunning(node) { try checkSettled(node, mayLackSlots: force) }
        if !noFailover, !force, isRunning(node) {
            try checkTakingDown(
                node, "a restart would take these slots down until it is back",
                orAdd: "to restart it anyway: clusterd restart-node \(node) --force",
                secondNode: "to restart it anyway: clusterd restart-node \(node) --force",
                force: "clusterd restart-node \(node) --force")
        }
        return try add(
            .restartNode(
                .init(
                    node: node, replaces: process(of: node), noFailover: noFailover, restoreRoles: restoreRoles,
                    force: force, wasMaster: !slots(of: node).isEmpty)), key)
    }

    mutating func start(_ text: String, _ key: String?) throws(Failure) -> Operation {
        let node = try Self.member(text, record).name
        let isUp = assessment.node(node).map { $0.health == .ok && ($0.role == .master || $0.linkUp == true) } ?? false
        let kind = Operation.Kind.startNode(.init(node: node, replaces: isRunning(node) ? nil : process(of: node)))
        if record.member(node)?.wanted == .running, isRunning(node), isUp {
            return addEnded(kind, .alreadyRunning(node), key)
        }
        let operation = try add(kind, key)
        if let index = record.index(node) { record.members[index].wanted = .running }
        return operation
    }

    mutating func stop(_ text: String, noFailover: Bool, force: Bool, _ key: String?) throws(Failure) -> Operation {
        let node = try Self.member(text, record).name
        let kind = Operation.Kind.stopNode(.init(node: node, noFailover: noFailover, force: force))
        if record.member(node)?.wanted == .stopped, !isRunning(node) {
            return addEnded(kind, .alreadyStopped(node), key)
        }
        if isRunning(node) { try checkSettled(node, mayBeReset: true, mayLackSlots: force) }
        if !noFailover, !force {
            try checkTakingDown(
                node, "these slots would be down until it is started again",
                orAdd: "to stop it anyway: clusterd stop-node \(node) --no-failover",
                secondNode: "to stop it anyway: clusterd stop-node \(node) --force",
                force: "clusterd stop-node \(node) --force")
        }
        return try add(kind, key)
    }
}
