import ClusterModel

extension SpecReader {
    /// Nodes that had a password, an ACL or TLS do not come up without it because conf.d says less than their own files did.
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
            let danger = isTLS ? "connections are not encrypted" : "the nodes ask no client for a password"
            let place = settings.directives.last { $0.name == kept.name }?.value.origin ?? .builtIn
            errors.append(
                ConfigurationError(
                    origin: place,
                    message: "redis.\(kept.name): without it \(danger), and \(kept.origin) sets it",
                    hint: "leave it out here to keep that, set another value, or first remove it from that file"))
        }
    }
}
