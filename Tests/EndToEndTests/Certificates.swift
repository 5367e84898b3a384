import ClusterModel
import Foundation
import RedisClient
import Testing

/// A certificate authority and its certificates, made by openssl for one test.
struct Certificates {
    let folder: String
    var authority: String { folder + "/ca.crt" }
    var certificate: String { folder + "/node.crt" }
    var key: String { folder + "/node.key" }

    init(in folder: String, days: Int = 90) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
            "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        try issue("first", days: days)
    }

    /// Another certificate with another key, under the same names.
    func issue(_ name: String, days: Int = 90) throws {
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)", "-keyout",
            "node.key", "-out", "node.csr")
        try openssl(
            "x509", "-req", "-in", "node.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
            "\(days)", "-out", "node.crt")
    }

    /// The lines of conf.d for them.
    var directives: String {
        "  tls-cert-file: \(certificate)\n  tls-key-file: \(key)\n  tls-ca-cert-file: \(authority)\n"
    }

    func security() throws -> TransportSecurity {
        var spec = ClusterSpec(name: "test", dataDirectory: folder)
        let files = ["tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": authority]
        spec.directives = files.map { .init(name: $0.key, arguments: [$0.value]) }
        return try TransportSecurity(try #require(spec.certificates))
    }

    /// The name in the certificate that a port presents.
    func shown(by port: Int) throws -> String {
        let words = [
            "s_client", "-connect", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-CAfile", authority,
            "-verify_return_error",
        ]
        let text = try openssl(words)
        return text.split(separator: "\n").first { $0.hasPrefix("subject=") }.map { String($0.dropFirst(8)) } ?? text
    }

    @discardableResult
    private func openssl(_ words: String...) throws -> String { try openssl(words) }

    private func openssl(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        if words.first != "s_client" { try #require(process.terminationStatus == 0, "openssl \(words)") }
        return text
    }
}
