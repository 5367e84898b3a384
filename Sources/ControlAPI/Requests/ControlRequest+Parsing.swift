import ClusterModel

/// The rejection of a request that is invalid in itself, regardless of the cluster.
package struct ControlRejection: Error, Hashable, Sendable {
    /// The HTTP status: 400, 404 or 405.
    package var status: Int
    package var error: ControlError
    /// The methods that the path supports, for the `Allow` header of 405.
    package var allow: [String] = []
}

extension ControlRequest {
    package init(parsing request: HTTPRequest) throws(ControlRejection) {
        // `events`, `stop` and `detach` have query parameters. Others ignore the query, as web servers do.
        let path = request.target.prefix { $0 != "?" && $0 != "#" }
        let candidates = ControlEndpoint.allCases.compactMap { endpoint in
            endpoint.match(path).map { (endpoint, $0) }
        }
        guard !candidates.isEmpty else { throw Self.unknown(path) }
        guard let (endpoint, encoded) = candidates.first(where: { $0.0.method == request.method }) else {
            throw Self.wrongMethod(request.method, path, allowed: candidates.map(\.0.method))
        }
        guard let text = PercentCoding.decode(encoded) else {
            throw .malformed("'\(encoded)' in the path is not percent-encoded UTF-8")
        }
        switch endpoint {
        case .status: self = .status
        case .check: self = .check
        case .configuration: self = .configuration
        case .operations: self = .operations
        case .operation: self = .operation(id: text)
        case .events: self = try Self.events(request.target)
        case .fixPlan: self = .fixPlan
        case .quarantine: self = .quarantine
        case .removeQuarantine:
            _ = try RequestBody(request.body).flags([])
            self = .removeQuarantine(id: text)
        case .livez: self = .livez
        case .servingz: self = .servingz
        case .readyz: self = .readyz
        case .metrics: self = .metrics
        case .login: self = .login(text)
        case .call:
            do {
                self = .call(try CallRequest(json: request.body))
            } catch {
                throw .malformed(error.words)
            }
        case .stop:
            _ = try RequestBody(request.body).flags([])
            self = .stop(follows: try Self.follows(request.target))
        case .detach:
            _ = try RequestBody(request.body).flags([])
            self = .detach(follows: try Self.follows(request.target))
        case .reload:
            _ = try RequestBody(request.body).flags([])
            self = .reload
        case .reexec:
            _ = try RequestBody(request.body).flags([])
            self = .reexec
        case .restartNode, .startNode, .stopNode, .failover, .rollingRestart, .reshard, .rebalance, .addNode,
            .removeNode, .apply, .pause, .resume,
            .cancel, .fix, .backup:
            guard let change = try Command(endpoint, text, RequestBody(request.body)) else { throw Self.unknown(path) }
            self = .change(change, idempotencyKey: try Self.idempotencyKey(request))
        }
    }

    private static func follows(_ target: String) throws(ControlRejection) -> Bool {
        let text = target.prefix { $0 != "#" }.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        guard let part = text.split(separator: "&").last(where: { $0.hasPrefix("follow=") }) else { return false }
        return try follow(String(part.dropFirst("follow=".count)))
    }

    private static func follow(_ value: String) throws(ControlRejection) -> Bool {
        guard ["true", "false", "1", "0"].contains(value) else {
            throw .malformed("follow=\(value) is neither true nor false")
        }
        return value == "true" || value == "1"
    }

    private static func events(_ target: String) throws(ControlRejection) -> ControlRequest {
        let text = target.prefix { $0 != "#" }.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        var query = EventQuery()
        var follows = false
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let value = PercentCoding.decode(halves.count > 1 ? halves[1] : "") else {
                throw .malformed("'\(part.prefix(100))' in the query is not percent-encoded UTF-8")
            }
            switch halves[0] {
            case "n":
                query.count = Int(value)
                guard let count = query.count, count >= 0 else {
                    throw .malformed("n=\(value) is not a number of events")
                }
            case "since":
                query.since = EventQuery.Since(value)
                guard query.since != nil else {
                    throw .malformed("since=\(value) is neither a time (RFC 3339) nor a duration (10m)")
                }
            case "after":
                query.after = Int64(value)
                guard query.after != nil else { throw .malformed("after=\(value) is not the number of an event") }
            case "follow":
                follows = try follow(value)
            default:
                throw .malformed(
                    "'\(halves[0])' in the query is unknown; this request takes n, since, after and follow")
            }
        }
        return .events(query, follows: follows)
    }

    /// At most 255 characters of printable ASCII, because the record keeps it with its operation.
    private static func idempotencyKey(_ request: HTTPRequest) throws(ControlRejection) -> String? {
        guard let key = request.header("Idempotency-Key") else { return nil }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .malformed("Idempotency-Key is not 1 to 255 characters of printable ASCII")
        }
        return key
    }

    /// The calls that are available over the network.
    package static var publicCalls: String {
        names(
            ControlEndpoint.allCases.filter { endpoint in
                let request = try? ControlRequest(parsing: HTTPRequest(endpoint.method, endpoint.pattern))
                return request?.isPublic == true
            })
    }

    private static func names(_ endpoints: [ControlEndpoint]) -> String {
        endpoints.map { "\($0.method) \($0.pattern)" }.joined(separator: ", ")
    }

    private static func unknown(_ path: Substring) -> ControlRejection {
        let paths = names(ControlEndpoint.allCases)
        return ControlRejection(
            status: 404,
            error: ControlError(
                "unknown-path", "unknown path \(path.prefix(200))", hint: "available: \(paths)"))
    }

    private static func wrongMethod(_ method: String, _ path: Substring, allowed: [String]) -> ControlRejection {
        ControlRejection(
            status: 405,
            error: ControlError(
                "wrong-method", "\(path.prefix(200)) does not support \(method.prefix(20))",
                hint: "use \(allowed.joined(separator: " or "))"),
            allow: allowed)
    }
}
