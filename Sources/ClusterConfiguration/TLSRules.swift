import ClusterModel

/// A cluster uses TLS as a whole, or not at all: nodes with and without TLS cannot form one cluster.
extension SpecReader {
    mutating func checkTLS(_ spec: ClusterSpec) {
        let all = spec.directives.filter { $0.name.hasPrefix("tls-") }
        func value(_ name: String) -> String? { all.last { $0.name == name }?.arguments.first }
        if let first = all.first(where: { $0.origin != .builtIn }) {
            let missing = ["tls-cert-file", "tls-key-file"].filter { value($0) ?? "" == "" }
            if !missing.isEmpty {
                refuse("required for TLS", missing.map { "redis.\($0)" }.joined(separator: " and "), first.origin)
            } else if value("tls-ca-cert-file") ?? value("tls-ca-cert-dir") ?? "" == "" {
                refuse("required for TLS, or redis.tls-ca-cert-dir instead", "redis.tls-ca-cert-file", first.origin)
            }
        }
        for directive in all where ["tls-cluster", "tls-replication"].contains(directive.name) {
            guard directive.arguments != ["yes"] else { continue }
            let why = "if clients use TLS, nodes do too, because they know each other by their TLS ports"
            refuse("\(why); remove it", "redis.\(directive.name)", directive.origin)
        }
        for (name, override) in spec.overrides.sorted(by: { $0.key < $1.key }) {
            for directive in override.directives where directive.name.hasPrefix("tls-") {
                let label = "nodes.\(name).redis.\(directive.name)"
                if !spec.speaksTLS {
                    refuse("TLS applies to all nodes or to none; set redis.tls-cert-file", label, directive.origin)
                } else if !ClusterSpec.certificateDirectives.contains(directive.name) {
                    refuse(
                        "a node can have its own certificates, but no other TLS settings of its own", label,
                        directive.origin)
                }
            }
        }
    }
}
