import ClusterModel

extension SpecReader {
    /// Prevents that nodes which had a password, an ACL or TLS start without it because conf.d sets less than their own files did.
    mutating func checkKeptProtection(_ spec: ClusterSpec) {
        for kept in settings.keptProtection {
            let own = kept.node.flatMap { spec.overrides[NodeName($0)]?.directives } ?? []
            func isSet(_ names: [String]) -> Bool {
                names.contains { name in
                    let line = own.last { $0.name == name } ?? spec.directives.last { $0.name == name }
                    return line.map { $0.arguments != [""] } ?? false
                }
            }
            let isTLS = kept.name == "tls-cert-file"
            guard !isSet(isTLS ? ["tls-cert-file"] : ["requirepass", "aclfile", "user"]) else { continue }
            let danger = isTLS ? "connections are not encrypted" : "the nodes require no password from clients"
            let place = settings.directives.last { $0.name == kept.name }?.value.origin ?? .builtIn
            errors.append(
                ConfigurationError(
                    origin: place,
                    message: "redis.\(kept.name): without it, \(danger), but \(kept.origin) sets it",
                    hint: "remove it here to keep that setting, set another value, or remove it from that file first"))
        }
    }
}
