import Foundation
import Testing

/// What systemd is told, on a real datagram socket.
@Suite(.serialized) struct ServiceTests {
    @Test func readyIsToldOnceItIsSoAndStoppingWhenAsked() async throws {
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
            // Nothing of systemd's reaches the nodes.
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
