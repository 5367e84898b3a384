import ClusterModel

/// The bodies of `POST /v1/nodes`, `POST /v1/nodes/{node}/remove` and `POST /v1/apply`.
extension Command.AddNode {
    var body: [String: JSONValue] {
        var body: [String: JSONValue] = [:]
        if let replicaOf { body["replicaOf"] = .string(replicaOf) }
        if isEmpty { body["empty"] = .bool(true) }
        if dryRun { body["dryRun"] = .bool(true) }
        return body
    }
}

extension Command.RemoveNode {
    var body: [String: JSONValue] {
        var body: [String: JSONValue] = [:]
        if shard { body["shard"] = .bool(true) }
        if force { body["force"] = .bool(true) }
        if dryRun { body["dryRun"] = .bool(true) }
        return body
    }
}

extension Command.Apply {
    var body: [String: JSONValue] {
        var body: [String: JSONValue] = [:]
        if let parts { body["parts"] = .array(parts.map { .string($0) }) }
        if dryRun { body["dryRun"] = .bool(true) }
        return body
    }
}

extension RequestBody {
    func addNode() throws(ControlRejection) -> Command.AddNode {
        let members = try named(["replicaOf", "empty", "dryRun"])
        var request = Command.AddNode()
        switch members["replicaOf"] ?? .null {
        case .null: break
        case .string(let node): request.replicaOf = node
        default: throw .malformed("'replicaOf' in the body does not name a node")
        }
        request.isEmpty = try flag("empty", members)
        request.dryRun = try flag("dryRun", members)
        guard request.replicaOf == nil || !request.isEmpty else {
            throw .malformed("'empty' in the body is for a new master, and 'replicaOf' for a replica")
        }
        return request
    }

    func removeNode(_ node: String) throws(ControlRejection) -> Command.RemoveNode {
        let members = try named(["shard", "force", "dryRun"])
        return Command.RemoveNode(
            node: node, shard: try flag("shard", members), force: try flag("force", members),
            dryRun: try flag("dryRun", members))
    }

    func apply() throws(ControlRejection) -> Command.Apply {
        let members = try named(["parts", "dryRun"])
        var request = Command.Apply(dryRun: try flag("dryRun", members))
        switch members["parts"] ?? .null {
        case .null: break
        case .array(let values):
            request.parts = []
            for value in values {
                guard case .string(let text) = value else {
                    throw .malformed("'parts' in the body contains an element that is not a string")
                }
                request.parts?.append(text)
            }
        default: throw .malformed("'parts' in the body is not an array")
        }
        return request
    }
}
