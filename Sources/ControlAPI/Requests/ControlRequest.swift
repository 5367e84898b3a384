import ClusterModel

/// A request of a client to the daemon.
package enum ControlRequest: Hashable, Sendable {
    case status
    case check
    /// The settings that the daemon uses.
    case configuration
    case operations
    case operation(id: String)
    /// `follows`: a stream of newline-delimited JSON instead of one document.
    case events(EventQuery, follows: Bool)
    /// Answered with the operation. Requests with the same key are one request.
    case change(Command, idempotencyKey: String?)
    /// The plan of `fix`.
    case fixPlan
    case quarantine
    /// Deletes one folder of the quarantine.
    case removeQuarantine(id: String)
    /// The address and credentials of a node, for a client program.
    case login(String)
    /// One Redis command for many nodes.
    case call(CallRequest)
    /// `follows`: the events from this request to the end of the daemon, one a line; the last one says how it ended.
    case stop(follows: Bool = false)
    case detach(follows: Bool = false)
    case reload
    /// Upgrade the daemon in place to the program on disk.
    case reexec
    /// Whether the loop makes progress.
    case livez
    /// Whether every slot is served.
    case servingz
    /// Whether redundancy is full.
    case readyz
    /// Numbers for Prometheus.
    case metrics

    /// Whether the request changes nothing and shows no data. Only such requests are allowed over the network, if
    /// `control.metrics` is set.
    package var isPublic: Bool {
        switch self {
        case .livez, .servingz, .readyz, .metrics: true
        default: false
        }
    }
}

/// An HTTP request.
package struct HTTPRequest: Hashable, Sendable {
    package var method: String
    /// The request target: an encoded path with an optional query.
    package var target: String
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    package init(_ method: String, _ target: String, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// The first header with this name, ignoring case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

package struct HTTPHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension ControlRequest {
    /// The request in its HTTP form. `ControlRequest.init(parsing:)` reverses it.
    package var asHTTP: HTTPRequest {
        switch self {
        case .status: Self.send(.status)
        case .check: Self.send(.check)
        case .configuration: Self.send(.configuration)
        case .operations: Self.send(.operations)
        case .operation(let id): Self.send(.operation, id)
        case .events(let query, let follows): Self.send(query, follows)
        case .change(let change, let key): Self.send(change, key)
        case .fixPlan: Self.send(.fixPlan)
        case .quarantine: Self.send(.quarantine)
        case .removeQuarantine(let id): Self.send(.removeQuarantine, id)
        case .login(let node): Self.send(.login, node)
        case .call(let call): Self.send(call)
        case .stop(let follows): Self.send(.stop, following: follows)
        case .detach(let follows): Self.send(.detach, following: follows)
        case .reload: Self.send(.reload)
        case .reexec: Self.send(.reexec)
        case .livez: Self.send(.livez)
        case .servingz: Self.send(.servingz)
        case .readyz: Self.send(.readyz)
        case .metrics: Self.send(.metrics)
        }
    }

    private static func send(_ query: EventQuery, _ follows: Bool) -> HTTPRequest {
        var members: [String] = []
        if let count = query.count { members.append("n=\(count)") }
        if let since = query.since { members.append("since=\(PercentCoding.encode(since.text))") }
        if let after = query.after { members.append("after=\(after)") }
        if follows { members.append("follow=true") }
        var request = send(.events)
        if !members.isEmpty { request.target += "?" + members.joined(separator: "&") }
        return request
    }

    private static func send(_ endpoint: ControlEndpoint, following: Bool) -> HTTPRequest {
        var request = send(endpoint)
        if following { request.target += "?follow=true" }
        return request
    }

    private static func send(_ call: CallRequest) -> HTTPRequest {
        var request = send(.call)
        request.headers.append(HTTPHeader("Content-Type", "application/json"))
        request.body = call.json
        return request
    }

    private static func send(_ endpoint: ControlEndpoint, _ text: String = "") -> HTTPRequest {
        HTTPRequest(endpoint.method, endpoint.path(text))
    }

    private static func send(_ change: Command, _ idempotencyKey: String?) -> HTTPRequest {
        var request = send(change.endpoint, change.subject)
        if !change.body.isEmpty {
            request.headers.append(HTTPHeader("Content-Type", "application/json"))
            request.body = (try? ControlJSON.encode(JSONValue.object(change.body))) ?? []
        }
        if let idempotencyKey { request.headers.append(HTTPHeader("Idempotency-Key", idempotencyKey)) }
        return request
    }
}
