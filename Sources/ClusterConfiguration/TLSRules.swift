import ClusterModel

/// A cluster is encrypted as a whole, or not at all: a node that speaks TLS to its peers and one that does not are no cluster.
extension SpecReader {
    mutating func checkTLS(_ spec: ClusterSpec) {
        let all = spec.directives.filter { $0.name.hasPrefix("tls-") }
        func value(_ name: String) -> String? { all.last { $0.name == name }?.arguments.first }
        if let first = all.first(where: { $0.origin != .builtIn }) {
            let missing = ["tls-cert-file", "tls-key-file"].filter { value($0) ?? "" == "" }
            if !missing.isEmpty {
                refuse("TLS needs it", missing.map { "redis.\($0)" }.joined(separator: " and "), first.origin)
            } else if value("tls-ca-cert-file") ?? value("tls-ca-cert-dir") ?? "" == "" {
                refuse("TLS needs it, or redis.tls-ca-cert-dir", "redis.tls-ca-cert-file", first.origin)
            }
        }
        for directive in all where ["tls-cluster", "tls-replication"].contains(directive.name) {
            guard directive.arguments != ["yes"] else { continue }
            let why = "where clients speak TLS the nodes do too: they know each other by their TLS ports"
            refuse("\(why); leave it out", "redis.\(directive.name)", directive.origin)
        }
        for (name, override) in spec.overrides.sorted(by: { $0.key < $1.key }) {
            for directive in override.directives where directive.name.hasPrefix("tls-") {
                let label = "nodes.\(name).redis.\(directive.name)"
                if !spec.speaksTLS {
                    refuse("TLS is for all nodes or for none; set redis.tls-cert-file", label, directive.origin)
                } else if !ClusterSpec.certificateDirectives.contains(directive.name) {
                    refuse("a node can have certificates of its own, and nothing else of TLS", label, directive.origin)
                }
            }
        }
    }
}
