import ClusterModel
import NIOSSL

/// A TLS file that cannot be used, with the reason.
package struct CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `tls-key-file`.
    package var directive: String
    package var description: String
}

/// The TLS settings for connections to nodes: like the nodes among themselves, both sides need a certificate of the same authority.
/// Host names are not verified, because nodes are identified by their addresses.
package struct TransportSecurity: Sendable {
    private let context: NIOSSLContext

    package init(_ files: ClusterSpec.Certificates) throws(CertificateError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .noHostnameVerification
        let roots = [files.authorityFile, files.authorityFolder].compactMap { $0 }
        configuration.trustRoots = roots.first.map { .file($0) }
        configuration.additionalTrustRoots = roots.dropFirst().map { .file($0) }
        let chain = try CertificateFiles.certificates(files.clientCertificate, "tls-cert-file")
        configuration.certificateChain = chain.map { .certificate($0) }
        configuration.privateKey = .privateKey(
            try CertificateFiles.key(files.clientKey, files.clientKeyPassword, "tls-key-file"))
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw CertificateError(
                directive: "tls-key-file",
                description: "\(files.clientKey) does not match the certificate \(files.clientCertificate) (\(error))")
        }
    }

    func handler() throws -> NIOSSLClientHandler { try NIOSSLClientHandler(context: context, serverHostname: nil) }

    /// Why one side aborted the handshake; nil if the connection was just closed.
    static func refusal(_ error: any Error) -> String? {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)), BoringSSLError.sslError(let stack): "\(stack)"
        case NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate: "\(error)"
        default: nil
        }
    }
}
