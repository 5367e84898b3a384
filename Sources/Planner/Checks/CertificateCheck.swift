import ClusterModel

/// Certificates that expire. The date is known long in advance, and expiry stops the whole cluster at one moment.
extension Turn {
    mutating func checkCertificates() {
        for found in seen.check.inspection?.certificates ?? [] {
            guard let ends = found.ends, let days = found.daysLeft(at: seen.wall) else {
                unusable(found)
                continue
            }
            guard days < CertificateReading.notice else { continue }
            let subject = "the certificate \(found.path) of \(users(of: found.path))"
            suspect(
                days < 0
                    ? Finding(
                        .certificateEnded, .error,
                        "\(subject) expired at \(ends.clock): nodes and clients reject each other", hint: Self.renewal)
                    : Finding(
                        .certificateEnds, .warning,
                        "\(subject) expires at \(ends.clock): after that, nodes and clients reject each other",
                        hint: Self.renewal), about: .path(found.path), for: .zero)
        }
    }

    private static let renewal = "replace the certificate and its key with newer ones, then: clusterd reload"

    private mutating func unusable(_ found: CertificateReading) {
        guard let trouble = found.trouble else { return }
        suspect(
            Finding(
                .certificateUnusable, .error, "\(trouble): clusterd cannot start a node with it",
                hint: "clusterd config check shows the line"), about: .path(found.path), for: Self.standing)
    }

    /// The nodes that use this file, according to the configuration.
    private func users(of path: String) -> String {
        let nodes = members.filter { spec.certificates(for: $0.settingsName)?.paths.contains(path) == true }
        return nodes.count == members.count ? "all nodes" : Self.list(nodes.map(\.name.text))
    }
}
