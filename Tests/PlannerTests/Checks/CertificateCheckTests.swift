import ClusterModel
import Planner
import Testing

/// Certificates that expire soon, have expired, or cannot be used.
@Suite struct CertificateCheckTests {
    private static let day = Duration.seconds(86_400)

    /// A cluster with TLS whose certificate files were just read.
    private func scene(_ readings: CertificateReading..., change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled()
        scene.spec.directives += [
            .init(name: "tls-cert-file", arguments: ["/tls/node.crt"]),
            .init(name: "tls-key-file", arguments: ["/tls/node.key"]),
            .init(name: "tls-ca-cert-file", arguments: ["/tls/ca.crt"]),
        ]
        change(&scene)
        scene.seen.check.inspection = HostInspection(
            askedAt: scene.now, engine: scene.seen.engine, quarantineBytes: 0, quarantineFolders: 0,
            certificates: readings)
        return scene
    }

    private func findings(_ scene: Scene) -> [Finding] {
        scene.decide().findings.filter { $0.code.rawValue.hasPrefix("certificate-") }
    }

    private func reading(_ path: String, in days: Double) -> CertificateReading {
        CertificateReading(
            path: path, ends: WallTime(milliseconds: Scene.wall.milliseconds + Int64(days * 86_400_000)))
    }

    @Test func aCertificateFarFromExpiryIsNotAFinding() {
        #expect(findings(scene(reading("/tls/node.crt", in: 30), reading("/tls/ca.crt", in: 3650))) == [])
    }

    @Test func aCertificateThatExpiresSoonIsAWarningWithItsNodesAndDate() {
        let found = findings(scene(reading("/tls/node.crt", in: 29.9)))
        #expect(found.map(\.code) == [.certificateEnds] && found[0].severity == .warning && found[0].node == nil)
        #expect(
            found[0].message
                == "the certificate /tls/node.crt of all nodes expires at 2023-12-14 19:49:20 UTC: after that, nodes and clients "
                + "reject each other")
        #expect(found[0].hint == "replace the certificate and its key with newer ones, then: clusterd reload")
        // The message is the same on each day, so that it is reported only once.
        var later = scene(reading("/tls/node.crt", in: 29.9))
        later.pass(Self.day * 3)
        #expect(findings(later).map(\.message) == found.map(\.message))
    }

    @Test func anExpiredCertificateIsAnError() {
        var late = scene(reading("/tls/ca.crt", in: 1))
        #expect(findings(late).map(\.severity) == [.warning])
        late.pass(Self.day + .seconds(1))
        let found = findings(late)
        #expect(found.map(\.code) == [.certificateEnded] && found[0].severity == .error)
        #expect(found[0].message.contains("/tls/ca.crt of all nodes expired at 2023-11-15 22:13:20 UTC"))
    }

    @Test func theWarningNamesTheNodesWithTheirOwnCertificate() {
        let found = findings(
            scene(reading("/tls/node.crt", in: 3), reading("/tls/own.crt", in: 2)) { scene in
                for node: NodeName in ["7001", "7004"] {
                    scene.spec.overrides[node] = .init(
                        directives: [.init(name: "tls-cert-file", arguments: ["/tls/own.crt"])])
                }
            })
        #expect(found.count == 2)
        #expect(found.contains { $0.message.hasPrefix("the certificate /tls/node.crt of 7000 7002 7003 7005 expires") })
        #expect(found.contains { $0.message.hasPrefix("the certificate /tls/own.crt of 7001 7004 expires") })
    }

    @Test func anUnusableCertificateIsAFindingOnceItPersists() {
        var scene = scene(CertificateReading(path: "", trouble: "/tls/node.key cannot be read: Permission denied"))
        #expect(findings(scene) == [])
        scene.take(scene.decide())
        scene.pass(.seconds(3))
        let found = findings(scene)
        #expect(found.map(\.code) == [.certificateUnusable] && found[0].severity == .error)
        #expect(
            found.first?.message
                == "/tls/node.key cannot be read: Permission denied: clusterd cannot start a node with it")
    }

    @Test func checkReportsThatAllCertificatesAreValid() {
        var good = scene(reading("/tls/node.crt", in: 400))
        good.run { _ in true }
        let passed = HealthReport(good.decide(), good.spec).passed
        #expect(passed.contains("All certificates are valid for at least 30 days."))
        let plain = Scene.settled()
        #expect(!HealthReport(plain.decide(), plain.spec).passed.contains { $0.contains("certificates") })
        let soon = scene(reading("/tls/node.crt", in: 3))
        #expect(!HealthReport(soon.decide(), soon.spec).passed.contains { $0.contains("certificates") })
    }
}
