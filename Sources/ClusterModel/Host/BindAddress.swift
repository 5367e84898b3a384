/// One word of the `bind` directive (redis.conf): an address; `*` and `::*` are every address of IPv4 and of IPv6; with a leading `-` the
/// engine tolerates that it is missing.
package struct BindAddress: Hashable, Sendable {
    package var text: String
    package var isOptional: Bool

    package init(_ word: String) {
        isOptional = word.hasPrefix("-")
        text = isOptional ? String(word.dropFirst()) : word
    }

    package var isLoopback: Bool { text.hasPrefix("127.") || text == "::1" }

    /// Numeric. The engine accepts names as well, but their meaning may change.
    package var isValid: Bool {
        if text == "*" || text == "::*" { return true }
        if text.contains(":") {
            return text.utf8.allSatisfy { "0123456789abcdefABCDEF:.".utf8.contains($0) } && text.utf8.count >= 2
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part) != nil && part.count <= 3 }
    }

    /// The address by which a client on this host reaches the bound port.
    package var reachable: String {
        switch text {
        case "*", "0.0.0.0": "127.0.0.1"
        case "::", "::*": "::1"
        default: text
        }
    }
}

extension ClusterSpec {
    /// The address that clusterd itself uses: the first that the nodes bind.
    package var connectHost: String { BindAddress(bind.first ?? "127.0.0.1").reachable }
    /// The address that is written into nodes.conf and announced to clients.
    package var announcedHost: String { announce ?? connectHost }
    package var isReachableFromOutside: Bool { !bind.allSatisfy { BindAddress($0).isLoopback } }
}
