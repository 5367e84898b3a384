import ClusterModel
import Glibc
import NIOSSL

/// Validates TLS files before an engine loads them.
package enum CertificateFiles {
    /// The errors in the files, each with the directive that names the file.
    package static func complaints(_ files: ClusterSpec.Certificates) -> [CertificateError] {
        var found: [CertificateError] = []
        for (name, path) in [("tls-ca-cert-file", files.authorityFile), ("tls-ca-cert-dir", files.authorityFolder)] {
            guard let path else { continue }
            do throws(CertificateError) {
                try readable(path, name)
                if name == "tls-ca-cert-file" { _ = try certificates(path, name) }
            } catch {
                found.append(error)
            }
        }
        var pairs = [(files.certificate, files.key, files.keyPassword, "")]
        if files.clientCertificate != files.certificate || files.clientKey != files.key {
            pairs.append((files.clientCertificate, files.clientKey, files.clientKeyPassword, "client-"))
        }
        for (certificate, key, password, kind) in pairs {
            do throws(CertificateError) {
                try check(certificate, key, password, kind)
            } catch {
                found.append(error)
            }
        }
        return found
    }

    /// When a file expires, in seconds since 1970. A node's file expires with the first certificate of its chain. An authority file
    /// expires with its last certificate: while an authority is being replaced, the file has the old and the new one.
    package static func end(of path: String, isAuthority: Bool) throws(CertificateError) -> Int64 {
        let ends = try certificates(path, isAuthority ? "tls-ca-cert-file" : "tls-cert-file").map(\.notValidAfter)
        return Int64((isAuthority ? ends.max() : ends.min()) ?? 0)
    }

    private static func check(
        _ certificate: String, _ key: String, _ password: String?, _ kind: String
    ) throws(CertificateError) {
        let chain = try certificates(certificate, "tls-\(kind)cert-file")
        let secret = try Self.key(key, password, "tls-\(kind)key-file")
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw CertificateError(
                directive: "tls-\(kind)key-file",
                description: "\(key) is not the key of the certificate \(certificate)")
        }
    }

    static func certificates(_ path: String, _ directive: String) throws(CertificateError) -> [NIOSSLCertificate] {
        try readable(path, directive)
        guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
            throw CertificateError(directive: directive, description: "\(path) holds no certificate in PEM form")
        }
        return found
    }

    static func key(
        _ path: String, _ password: String?, _ directive: String
    ) throws(CertificateError) -> NIOSSLPrivateKey {
        try readable(path, directive)
        do {
            // Without a password, an encrypted key fails to load instead of prompting on the terminal.
            let bytes = Array((password ?? "").utf8)
            return try NIOSSLPrivateKey(file: path, format: .pem) { tell in tell(bytes) }
        } catch {
            throw CertificateError(
                directive: directive,
                description: "\(path) holds no private key in PEM form"
                    + (password == nil ? ", or the key is encrypted" : ", or the key password is wrong"))
        }
    }

    private static func readable(_ path: String, _ directive: String) throws(CertificateError) {
        guard access(path, R_OK) == 0 else {
            let why = String(cString: strerror(errno))
            throw CertificateError(directive: directive, description: "\(path) cannot be read: \(why)")
        }
    }
}
