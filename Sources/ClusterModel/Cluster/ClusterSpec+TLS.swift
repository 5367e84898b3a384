/// TLS is for the whole cluster: clients, replicas, the bus and clusterd, on the ports that the nodes have anyway. It is on where a
/// certificate is configured.
extension ClusterSpec {
    /// The files by which nodes and clients prove who they are. Paths are absolute.
    package struct Certificates: Hashable, Sendable {
        package var certificate: String
        package var key: String
        package var keyPassword: String?
        package var authorityFile: String?
        package var authorityFolder: String?
        /// What a client shows; the node's own where there is no other.
        package var clientCertificate: String
        package var clientKey: String
        package var clientKeyPassword: String?

        /// Files with a certificate that may end.
        package var paths: [String] {
            [certificate, clientCertificate, authorityFile].compactMap { $0 }.reduce(into: []) { paths, path in
                if !paths.contains(path) { paths.append(path) }
            }
        }

        init?(_ value: (String) -> String?) {
            guard let certificate = value("tls-cert-file"), let key = value("tls-key-file") else { return nil }
            self.certificate = certificate
            self.key = key
            keyPassword = value("tls-key-file-pass")
            authorityFile = value("tls-ca-cert-file")
            authorityFolder = value("tls-ca-cert-dir")
            clientCertificate = value("tls-client-cert-file") ?? certificate
            clientKey = value("tls-client-key-file") ?? key
            clientKeyPassword = value("tls-client-cert-file") == nil ? keyPassword : value("tls-client-key-file-pass")
        }

        /// Those that a node was started with; nil: it was started without TLS.
        package init?(_ file: RedisConfFacts) {
            guard file.speaksTLS else { return nil }
            self.init { name in
                file.directives.last { $0.name == name }?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
            }
        }
    }

    /// Directives that name a file which the engine reads again whenever it is set (`VOLATILE_CONFIG`, src/config.c).
    package static let certificateDirectives = [
        "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-client-cert-file", "tls-client-key-file",
        "tls-client-key-file-pass", "tls-key-file", "tls-key-file-pass",
    ]

    package var speaksTLS: Bool { certificates != nil }

    package var certificates: Certificates? { certificates(for: nil) }

    /// What all nodes share first (no name), then what single nodes have in its place.
    package var certificatesByNode: [(node: NodeName?, files: Certificates)] {
        ([nil] + overrides.keys.sorted().map(Optional.some)).compactMap { node in
            certificates(for: node).map { (node, $0) }
        }
    }

    /// Those of one node, which may have some of its own.
    package func certificates(for node: NodeName?) -> Certificates? {
        let own = node.flatMap { overrides[$0]?.directives } ?? []
        return Certificates { name in
            let line = own.last { $0.name == name } ?? directives.last { $0.name == name }
            return line?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}
