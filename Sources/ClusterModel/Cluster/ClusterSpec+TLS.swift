/// TLS applies to the whole cluster: clients, replicas, the bus and clusterd, on the nodes' usual ports. It is on if a certificate is
/// configured.
extension ClusterSpec {
    /// The files by which nodes and clients authenticate. Paths are absolute.
    package struct Certificates: Hashable, Sendable {
        package var certificate: String
        package var key: String
        package var keyPassword: String?
        package var authorityFile: String?
        package var authorityFolder: String?
        /// The client certificate; the node's own if there is no other.
        package var clientCertificate: String
        package var clientKey: String
        package var clientKeyPassword: String?

        /// Files with a certificate that may expire.
        package var paths: [String] {
            [certificate, clientCertificate, authorityFile].compactMap { $0 }.reduce(into: []) { paths, path in
                if !paths.contains(path) { paths.append(path) }
            }
        }

        package init?(_ value: (String) -> String?) {
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

        /// The files with which a node was started; nil: it was started without TLS.
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

    /// First the files that all nodes share (no name), then those that single nodes use instead.
    package var certificatesByNode: [(node: NodeName?, files: Certificates)] {
        ([nil] + overrides.keys.sorted().map(Optional.some)).compactMap { node in
            certificates(for: node).map { (node, $0) }
        }
    }

    /// The files of one node, which may have its own.
    package func certificates(for node: NodeName?) -> Certificates? {
        let own = node.flatMap { overrides[$0]?.directives } ?? []
        return Certificates { name in
            let line = own.last { $0.name == name } ?? directives.last { $0.name == name }
            return line?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}
