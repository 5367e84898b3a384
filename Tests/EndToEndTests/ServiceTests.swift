import Foundation
import FoundationNetworking
import Testing

/// The notifications to systemd, on a real datagram socket. Invariant: ready-is-true.
@Suite(.serialized) struct ServiceTests {
    @Test func systemdIsNotifiedOfReadyAndStopping() async throws {
        try await withDaemon { daemon in
            let path = daemon.home + "/notify"
            let socket = try bindDatagrams(path)
            defer { close(socket) }
            try daemon.up(["--masters", "1", "--replicas", "1"], environment: ["NOTIFY_SOCKET": path])
            try await daemon.ready()
            var told = ""
            #expect(
                await eventually {
                    told += receive(socket); return told.contains("READY=1")
                })
            #expect(told.contains("STATUS=ready: 1 masters, 1 replicas") || told.contains("STATUS="))
            // No variable of systemd reaches the nodes.
            for pid in daemon.nodePIDs() {
                let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
                #expect(!String(decoding: environment, as: UTF8.self).contains("NOTIFY_SOCKET"))
            }
            kill(daemon.process.processIdentifier, SIGTERM)
            #expect(await daemon.ended() == 0)
            told += receive(socket)
            #expect(told.contains("STOPPING=1"))
            #expect(daemon.nodePIDs().isEmpty)
        }
    }

    @Test func systemdIsNotifiedAcrossAnUpgradeInPlace() async throws {
        try await withDaemon { daemon in
            let path = daemon.home + "/notify"
            let socket = try bindDatagrams(path)
            defer { close(socket) }
            let conf = daemon.home + "/conf.yaml"
            let port = daemon.base + 9
            try "control: {metrics: \"127.0.0.1:\(port)\"}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(
                ["--masters", "1", "--replicas", "1", "--config", conf],
                environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"])
            try await daemon.ready()
            var told = ""
            #expect(
                await eventually {
                    told += receive(socket)
                    return told.contains("READY=1") && told.contains("WATCHDOG=1")
                })
            let result = try daemon.command(["reexec"])
            #expect(result.exit == 0, "\(result.errors)")
            let parts = told + receive(socket)
            #expect(parts.contains("WATCHDOG=1\nSTATUS=upgrading clusterd to "))
            // The unit stays active throughout.
            #expect(!parts.contains("RELOADING=1") && !parts.contains("STOPPING=1"))
            told = String(parts[(parts.range(of: "STATUS=upgrading")?.upperBound ?? parts.endIndex)...])
            #expect(
                await eventually {
                    told += receive(socket)
                    return told.contains("READY=1") && told.contains("WATCHDOG=1") && told.contains("STATUS=ready: ")
                })
            for pid in daemon.nodePIDs() {
                let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
                let words = String(decoding: environment, as: UTF8.self)
                #expect(!words.contains("NOTIFY_SOCKET") && !words.contains("WATCHDOG_USEC"))
            }
            // Over TCP as well.
            let url = try #require(URL(string: "http://127.0.0.1:\(port)/readyz"))
            let (_, response) = try await URLSession.shared.data(for: URLRequest(url: url, timeoutInterval: 10))
            #expect((response as? HTTPURLResponse)?.statusCode == 200)
            try await daemon.stop()
        }
    }

    @Test func theConfiguredTCPPortServesProbesAndMetrics() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            let port = daemon.base + 9
            try "control: {metrics: \"127.0.0.1:\(port)\"}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--masters", "1", "--replicas", "0", "--config", conf])
            try await daemon.ready()
            func get(_ path: String) async throws -> (Int, String) {
                let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
                let (data, response) = try await URLSession.shared.data(for: URLRequest(url: url, timeoutInterval: 10))
                return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
            }
            for path in ["/livez", "/servingz", "/readyz"] { #expect(try await get(path).0 == 200) }
            #expect(try await get("/metrics").1.contains("clusterd_cluster_slots_served{cluster=\"data\"} 16384\n"))
            #expect(try await get("/v1/status").0 == 403)
            try await daemon.stop()
        }
    }

    private func bindDatagrams(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        return descriptor
    }

    private func receive(_ descriptor: Int32) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return text }
            text += String(decoding: buffer.prefix(count), as: UTF8.self) + "\n"
        }
    }
}
