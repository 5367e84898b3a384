import ClusterModel

/// A command as a request: each has its own POST, with its subject in the path. An absent member of the body is false.
extension Command {
    var endpoint: ControlEndpoint {
        switch self {
        case .restartNode: .restartNode
        case .startNode: .startNode
        case .stopNode: .stopNode
        case .failover, .failoverFrom: .failover
        case .rollingRestart: .rollingRestart
        case .reshard: .reshard
        case .rebalance: .rebalance
        case .addNode: .addNode
        case .removeNode: .removeNode
        case .apply: .apply
        case .pause: .pause
        case .resume: .resume
        case .cancel: .cancel
        case .fix: .fix
        case .backup: .backup
        }
    }

    /// The subject in the path.
    var subject: String {
        switch self {
        case .restartNode(let node, _, _, _), .startNode(let node), .stopNode(let node, _, _), .failover(let node, _),
            .failoverFrom(let node, _):
            node
        case .removeNode(let request): request.node
        case .cancel(let id): id
        case .rollingRestart, .reshard, .rebalance, .addNode, .apply, .pause, .resume, .fix, .backup: ""
        }
    }

    var body: [String: JSONValue] {
        switch self {
        case .restartNode(_, let noFailover, let restoreRoles, let force):
            Self.flags(["noFailover": noFailover, "restoreRoles": restoreRoles, "force": force])
        case .stopNode(_, let noFailover, let force): Self.flags(["noFailover": noFailover, "force": force])
        case .failover(_, let force): Self.flags(["force": force])
        case .failoverFrom(_, let force): Self.flags(["from": true, "force": force])
        case .rollingRestart(let pending, let restoreRoles, let force, let canary):
            Self.flags(["pending": pending, "restoreRoles": restoreRoles, "force": force, "canary": canary])
        case .reshard(let request): request.body
        case .rebalance(let request): request.body
        case .addNode(let request): request.body
        case .removeNode(let request): request.body
        case .apply(let request): request.body
        case .pause(let duration): ["for": .string(duration.map(DurationText.text) ?? "forever")]
        case .fix(let ids): ["repairs": .array(ids.map { .string($0) })]
        case .backup(let directory, let keep): Self.backup(directory, keep)
        case .startNode, .resume, .cancel: [:]
        }
    }

    private static func flags(_ flags: [String: Bool]) -> [String: JSONValue] {
        flags.filter(\.value).mapValues { .bool($0) }
    }

    private static func backup(_ directory: String, _ keep: Int?) -> [String: JSONValue] {
        var body: [String: JSONValue] = ["directory": .string(directory)]
        if let keep { body["keep"] = .integer(Int64(keep)) }
        return body
    }

    /// nil: `endpoint` is not a change.
    init?(_ endpoint: ControlEndpoint, _ subject: String, _ body: RequestBody) throws(ControlRejection) {
        switch endpoint {
        case .restartNode:
            let flags = try body.flags(["noFailover", "restoreRoles", "force"])
            self = .restartNode(
                subject, noFailover: flags.contains("noFailover"), restoreRoles: flags.contains("restoreRoles"),
                force: flags.contains("force"))
        case .startNode:
            _ = try body.flags([])
            self = .startNode(subject)
        case .stopNode:
            let flags = try body.flags(["noFailover", "force"])
            self = .stopNode(subject, noFailover: flags.contains("noFailover"), force: flags.contains("force"))
        case .failover:
            let flags = try body.flags(["from", "force"])
            let force = flags.contains("force")
            self = flags.contains("from") ? .failoverFrom(subject, force: force) : .failover(subject, force: force)
        case .rollingRestart:
            let flags = try body.flags(["pending", "restoreRoles", "force", "canary"])
            self = .rollingRestart(
                pending: flags.contains("pending"), restoreRoles: flags.contains("restoreRoles"),
                force: flags.contains("force"), canary: flags.contains("canary"))
        case .reshard: self = .reshard(try body.reshard())
        case .rebalance: self = .rebalance(try body.rebalance())
        case .addNode: self = .addNode(try body.addNode())
        case .removeNode: self = .removeNode(try body.removeNode(subject))
        case .apply: self = .apply(try body.apply())
        case .pause: self = .pause(try body.pause())
        case .resume:
            _ = try body.flags([])
            self = .resume
        case .cancel:
            _ = try body.flags([])
            self = .cancel(subject)
        case .fix: self = .fix(try body.repairs())
        case .backup:
            let (directory, keep) = try body.backup()
            self = .backup(directory, keep: keep)
        default: return nil
        }
    }
}
