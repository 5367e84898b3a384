import ClusterModel

/// The addresses that engines accept in nodes.conf and redis.conf. Some engines silently truncate a longer one, others crash.
enum AddressRules {
    /// `NET_IP_STR_LEN` is 46 with the terminating byte (src/cluster.h).
    static let longest = 45
    /// `CONFIG_BINDADDR_MAX` (src/server.h).
    static let mostBound = 16

    /// Why nodes cannot announce the address; nil: they can, if it leads to them.
    static func complaint(announced text: String) -> String? {
        if text.isEmpty { return "it is empty; remove it to announce cluster.bind" }
        if text.utf8.count > longest {
            return "it has \(text.utf8.count) characters, but the engine stores at most \(longest) of an address"
        }
        if text.contains(":") {
            let isAddress = BindAddress(text).isValid && isIPv6(text)
            return isAddress ? unusable(text) : "'\(text)' is neither an IP address nor a host name, without a port"
        }
        if text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }) {
            return BindAddress(text).isValid ? unusable(text) : "'\(text)' is not an IP address"
        }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isWordByte($0) }
        }
        return isName ? nil : "'\(text)' is neither an IP address nor a host name"
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }

    private static func unusable(_ text: String) -> String? {
        let first = text.split(separator: ".").first.flatMap { Int($0) } ?? 0
        let isNone = text == "0.0.0.0" || text.utf8.allSatisfy { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "0") }
        let isMany = text.contains(":") ? text.lowercased().hasPrefix("ff") : first >= 224
        return isNone || isMany ? "\(text) is not the address of a single host" : nil
    }

    /// Up to eight groups of four digits, at most one gap, and an optional IPv4 address in place of the last two groups.
    private static func isIPv6(_ text: String) -> Bool {
        var groups = text.split(separator: ":", omittingEmptySubsequences: false)
        let gaps = text.indices.count { text[$0...].hasPrefix("::") }
        guard gaps <= 1 else { return false }
        var room = 8
        if let last = groups.last, last.contains(".") {
            guard BindAddress(String(last)).isValid else { return false }
            groups.removeLast()
            room = 6
        }
        let filled = groups.filter { !$0.isEmpty }
        guard filled.allSatisfy({ $0.utf8.count <= 4 && !$0.contains(".") }) else { return false }
        return gaps == 1 ? filled.count < room : filled.count == room && groups.count == room
    }
}
