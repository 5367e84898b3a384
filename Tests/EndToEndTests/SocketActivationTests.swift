import ControlAPI
import ControlClient
import Foundation
import Synchronization
import Testing

/// A control socket that exists before the daemon: that of a socket unit, and the one that systemd keeps between two
/// daemons.
@Suite(.serialized) struct SocketActivationTests {
    private static let shape = ["--masters", "1", "--replicas", "1"]

    private func inode(_ path: String) -> ino_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : nil
    }

    /// Sends queries continuously, on its own thread, and records those without a reply.
    private final class Asking: Sendable {
        private struct State {
            var asked = 0
            var refused: [String] = []
            var hasServed = false
            var isOver = false
        }

        private let state = Mutex(State())
        private let ends: AsyncStream<Void>

        init(_ client: ControlClient) {
            let (ends, continuation) = AsyncStream<Void>.makeStream()
            self.ends = ends
            Thread.detachNewThread { [self] in
                while !state.withLock({ $0.isOver }) { ask(client) }
                continuation.yield()
                continuation.finish()
            }
        }

        private func ask(_ client: ControlClient) {
            do throws(ControlError) {
                let status = try client.send(.status, timeout: .seconds(30)).decode(StatusDocument.self)
                state.withLock { state in
                    // While the cluster serves, no query gets a different status.
                    if state.hasServed, !status.cluster.serving { state.refused.append("not served") }
                    state.hasServed = state.hasServed || status.cluster.serving
                }
            } catch {
                state.withLock { $0.refused.append(error.message) }
            }
            state.withLock { $0.asked += 1 }
        }

        /// Waits until some more queries were answered.
        func goesOn() async -> Bool {
            let before = state.withLock { $0.asked }
            return await eventually { [self] in state.withLock { $0.asked } > before + 2 }
        }

        /// The failures, of all queries.
        func end() async -> [String] {
            state.withLock { $0.isOver = true }
            for await _ in ends {}
            return state.withLock { $0.refused }
        }
    }

    private func expectCleanNodes(_ daemon: Daemon, _ location: SourceLocation = #_sourceLocation) throws {
        for pid in daemon.nodePIDs() {
            let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
            #expect(
                !String(decoding: environment, as: UTF8.self).contains("LISTEN_"), sourceLocation: location)
        }
    }

    @Test func theSocketOfASocketUnitIsServedAndKept() async throws {
        try await withDaemon { daemon in
            try FileManager.default.createDirectory(atPath: daemon.data, withIntermediateDirectories: true)
            let path = daemon.data + "/control.sock"
            let listener = try ServiceStandIn.listener(path)
            defer { close(listener) }
            let systemd = try ServiceStandIn(daemon.home + "/notify")
            let file = inode(path)
            // A query before the daemon's start waits for it.
            let asking = Asking(daemon.client)
            try systemd.start(daemon, Self.shape, handing: listener, named: "control")
            try await daemon.ready()
            try expectCleanNodes(daemon)
            let reexec = try daemon.command(["reexec"])
            #expect(reexec.exit == 0, "\(reexec.errors)")
            #expect(await asking.goesOn())
            #expect(await asking.end() == [])
            try await daemon.stop()
            #expect(file != nil && inode(path) == file)
            systemd.hear()
            // The socket unit owns the socket and its permissions.
            #expect(systemd.stored.isEmpty && !systemd.told.contains("FDSTORE"))
        }
    }

    @Test func aPassedSocketThatIsNoControlSocketIsRefused() async throws {
        try await withDaemon { daemon in
            let systemd = try ServiceStandIn(daemon.home + "/notify")
            let listener = try ServiceStandIn.listener(daemon.home + "/other.sock")
            defer { close(listener) }
            try systemd.start(daemon, Self.shape, handing: listener, named: "clusterd.socket")
            #expect(await daemon.ended() == 78)
            #expect(
                daemon.output.contains(
                    "systemd hands over the socket \(daemon.home)/other.sock, but control.socket is \(daemon.data)/control.sock"
                ), "\(daemon.output)")
            let file = open("/dev/zero", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            try systemd.start(daemon, Self.shape, handing: file, named: "zeroes")
            #expect(await daemon.ended() == 78)
            #expect(
                daemon.output.contains("systemd hands over 'zeroes', which is not a Unix socket"), "\(daemon.output)")
            #expect(daemon.nodePIDs().isEmpty)
        }
    }

    @Test func aRequestDuringTheRestartOfAKilledDaemonIsAnswered() async throws {
        try await withDaemon { daemon in
            let systemd = try ServiceStandIn(daemon.home + "/notify")
            let path = daemon.data + "/control.sock"
            try daemon.up(Self.shape, environment: ["NOTIFY_SOCKET": systemd.path])
            try await daemon.ready()
            #expect(
                await eventually {
                    systemd.hear(); return systemd.stored.count == 1
                })
            let (file, nodes) = (inode(path), try daemon.status().nodes.map(\.pid))
            let asking = Asking(daemon.client)
            #expect(await asking.goesOn())
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            let kept = try #require(systemd.stored.first)
            try systemd.start(daemon, Self.shape, handing: kept.descriptor, named: kept.name)
            try await daemon.ready()
            try expectCleanNodes(daemon)
            #expect(inode(path) == file && file != nil)
            #expect(try daemon.status().nodes.map(\.pid) == nodes)
            #expect(await asking.goesOn())

            // As `systemctl restart` does it.
            systemd.hear()
            kill(daemon.process.processIdentifier, SIGUSR1)
            #expect(await daemon.ended() == 0)
            systemd.hear()
            #expect(systemd.stored.map(\.name) == [kept.name] && inode(path) == file)
            try systemd.start(daemon, Self.shape, handing: kept.descriptor, named: kept.name)
            try await daemon.ready()
            #expect(await asking.goesOn())
            #expect(await asking.end() == [])
            #expect(try daemon.status().nodes.map(\.pid) == nodes)

            // The kernel queues few datagrams for a process that does not read them (net.unix.max_dgram_qlen).
            systemd.hear()
            try await daemon.stop()
            systemd.hear()
            #expect(systemd.stored.isEmpty && inode(path) == nil)
        }
    }

    @Test func aStoredSocketWithAnotherPathIsDropped() async throws {
        try await withDaemon { daemon in
            let systemd = try ServiceStandIn(daemon.home + "/notify")
            try daemon.up(Self.shape, environment: ["NOTIFY_SOCKET": systemd.path])
            try await daemon.ready()
            #expect(
                await eventually {
                    systemd.hear(); return systemd.stored.count == 1
                })
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            let conf = daemon.home + "/conf.yaml"
            let other = daemon.home + "/other.sock"
            try "control: {socket: \(other)}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            let kept = try #require(systemd.stored.first)
            try systemd.start(
                daemon, Self.shape + ["--config", conf], handing: kept.descriptor, named: kept.name)
            let client = ControlClient(socketPath: other)
            let isReady = await eventually { try client.send(.status).decode(StatusDocument.self).cluster.ready }
            #expect(isReady, "\(daemon.output.suffix(1000))")
            #expect(
                await eventually {
                    systemd.hear(); return systemd.stored.count == 1 && systemd.stored.first?.name != kept.name
                })
            #expect(inode(daemon.data + "/control.sock") == nil)
            try await daemon.stop()
        }
    }

    /// As the unit does it after a frozen daemon: systemd still has the socket then.
    @Test func stopPostStopsNodesWhileSystemdHoldsTheControlSocket() async throws {
        try await withDaemon { daemon in
            let systemd = try ServiceStandIn(daemon.home + "/notify")
            let conf = daemon.home + "/conf.yaml"
            let path = daemon.home + "/control.sock"
            let cluster = "{masters: 1, replicas: 1, ports: \(daemon.base), data-dir: \(daemon.data)}"
            try "cluster: \(cluster)\ncontrol: {socket: \(path)}\n"
                .write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", conf], environment: ["NOTIFY_SOCKET": systemd.path])
            let client = ControlClient(socketPath: path)
            let isReady = await eventually(within: .seconds(60)) {
                systemd.hear()
                return try client.send(.status).decode(StatusDocument.self).cluster.ready && systemd.stored.count == 1
            }
            #expect(isReady, "\(daemon.output.suffix(1000))")
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            #expect(daemon.nodePIDs().count == 2)
            let stop = try Daemon.run(["run", "--config", conf, "--stop-nodes"])
            #expect(stop.exit == 0 && daemon.nodePIDs().isEmpty, "\(stop.errors)")
        }
    }
}
