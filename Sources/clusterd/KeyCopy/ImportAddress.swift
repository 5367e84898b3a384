import ClusterModel
import ControlAPI

/// `redis://[USER[:PASSWORD]@]HOST[:PORT][/0]`, the server whose keys are imported.
struct ImportAddress: Hashable, Sendable, CustomStringConvertible {
    var host: String
    var port = 6379
    var user: String?
    var password: String?

    /// Without the password.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    init(_ text: String) throws(Failure) {
        let scheme = "redis://"
        if text.hasPrefix("rediss://") {
            throw Self.refused(
                "TLS (rediss://) is not supported for the source", "use a tunnel to the source: stunnel, ssh -L")
        }
        guard text.hasPrefix(scheme) else { throw Self.refused("'\(text)' is no address of a server", Self.form) }
        var rest = text.dropFirst(scheme.count)
        if let slash = rest.firstIndex(of: "/") {
            let database = rest[rest.index(after: slash)...]
            guard database.isEmpty || database == "0" else {
                throw Self.refused("only database 0 can be imported: a cluster has no others", Self.form)
            }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decoded(parts[0]).flatMap { $0.isEmpty ? nil : $0 }
            if parts.count == 2 { password = try Self.decoded(parts[1]) }
            rest = rest[rest.index(after: at)...]
        }
        var name = rest
        var number: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw Self.refused("the address has no ']'", Self.form) }
            name = rest[rest.index(after: rest.startIndex)..<end]
            let tail = rest[rest.index(after: end)...]
            number = tail.hasPrefix(":") ? tail.dropFirst() : nil
        } else if let colon = rest.firstIndex(of: ":") {
            name = rest[..<colon]
            number = rest[rest.index(after: colon)...]
        }
        guard !name.isEmpty else { throw Self.refused("the address has no host", Self.form) }
        host = String(name)
        if let number {
            guard let value = Int(number), (1...65535).contains(value) else {
                throw Self.refused("'\(number)' is no port", Self.form)
            }
            port = value
        }
    }

    private static let form = "redis://USER:PASSWORD@HOST:PORT"

    private static func refused(_ why: String, _ hint: String) -> Failure { Failure("usage", why, hint: hint) }

    private static func decoded(_ text: Substring) throws(Failure) -> String? {
        guard let decoded = PercentCoding.decode(text) else {
            throw refused("the user or the password is not percent-encoded", form)
        }
        return decoded
    }
}
