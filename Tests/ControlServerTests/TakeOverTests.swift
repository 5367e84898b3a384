import ControlAPI
import ControlClient
import ControlServer
import Glibc
import NIOPosix
import Testing

/// One server continues with the socket of another, as after exec(2).
@Suite struct TakeOverTests {
    private func next(
        _ path: String, after server: ControlServer, on loops: MultiThreadedEventLoopGroup
    ) async throws -> ControlServer {
        var inherited = try #require(await server.inheritance())
        // Both are in the same process here.
        inherited.descriptor = fcntl(inherited.descriptor, F_DUPFD_CLOEXEC, 3)
        return try await ControlServer.start(socketPath: path, group: nil, inherited: inherited, on: loops) { _, _ in
            .document(["the next"])
        }
    }

    @Test func aConnectionDuringAnUpgradeInPlaceIsServedByTheNextProgram() async throws {
        try await withServer { server, path in
            await server.pause(within: .seconds(1))
            async let answer = blocking { try ControlClient(socketPath: path).send(.status).decode([String].self) }
            let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let next = try await next(path, after: server, on: loops)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode == S_IFSOCK | 0o660)
            await next.resume()
            let words = try await answer
            #expect(words == ["the next"])
            await next.stop()
            try await loops.shutdownGracefully()
        }
    }

    @Test func aServerThatIsNotReplacedServesAgain() async throws {
        try await withServer { server, path in
            await server.pause(within: .seconds(1))
            async let answer = blocking { try ControlClient(socketPath: path).send(.livez).decode([String].self) }
            await server.resume()
            let words = try await answer
            #expect(words == ["livez"])
        }
    }

    @Test func aChangedPathGetsANewSocketAndTheOldOneIsRemoved() async throws {
        let folder = try TemporaryFolder()
        try await withServer { server, path in
            await server.pause(within: .seconds(1))
            let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let other = "\(folder.path)/other.sock"
            let next = try await next(other, after: server, on: loops)
            await next.resume()
            #expect(access(path, F_OK) != 0)
            let answer = try await blocking { try ControlClient(socketPath: other).send(.status) }
            #expect(try answer.decode([String].self) == ["the next"])
            await next.stop()
            try await loops.shutdownGracefully()
        }
    }

    @Test func anUpgradeInPlaceCompletesRunningRequestsAndIgnoresIdleConnections() async throws {
        try await withServer { server, path in
            let (begun, silent, idle) = try await blocking {
                let begun = try RawConnection(path)
                begun.write("GET /livez HTTP/1.1\r\n")
                let idle = try RawConnection(path)
                idle.write("GET /livez HTTP/1.1\r\n\r\n")
                _ = idle.read(until: "[\"livez\"]")
                return (begun, try RawConnection(path), idle)
            }
            async let paused: Void = server.pause(within: .seconds(5))
            // It has its reply: its next request is for the next program.
            let rest = try await blocking { idle.read() }
            #expect(rest == "")
            let answer = try await blocking {
                begun.write("\r\n")
                return begun.read()
            }
            #expect(answer.contains("Connection: close") && answer.contains("[\"livez\"]"))
            silent.endWriting()
            await paused
        }
    }

    @Test func theNetworkListenerIsInheritedToo() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let first = try await ControlServer.start(host: "127.0.0.1", port: 0, on: loops, handler: echo)
        let port = try #require(first.port)
        await first.pause(within: .seconds(1))
        var inherited = try #require(await first.inheritance())
        inherited.descriptor = fcntl(inherited.descriptor, F_DUPFD_CLOEXEC, 3)
        let second = try await ControlServer.start(
            host: "127.0.0.1", port: 0, inherited: inherited, on: loops, handler: echo)
        #expect(second.port == port)
        await second.stop()
        await first.stop()
        try await loops.shutdownGracefully()
    }

    /// As systemd keeps it in its store when the previous program was killed.
    private func copy(of server: ControlServer) throws -> OfferedSocket {
        let storedSocket = try #require(server.storedSocket)
        return OfferedSocket(
            descriptor: fcntl(storedSocket.descriptor, F_DUPFD_CLOEXEC, 3), name: storedSocket.name, isListening: true)
    }

    @Test func aConnectionPendingAtAStoredSocketIsServedByTheNextDaemon() async throws {
        try await withServer { server, path in
            let offer = try copy(of: server)
            await server.stop(leavingFile: true)
            async let answer = blocking { try ControlClient(socketPath: path).send(.status).decode([String].self) }
            let sockets = try OfferedSockets([offer], for: path)
            #expect(sockets.control != nil)
            let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let next = try await ControlServer.start(
                socketPath: path, group: nil, inherited: sockets.control, on: loops
            ) { _, _ in .document(["the next"]) }
            await next.resume()
            let words = try await answer
            #expect(words == ["the next"])
            #expect(next.storedSocket?.name == offer.name)
            await next.stop()
            #expect(access(path, F_OK) != 0)
            try await loops.shutdownGracefully()
        }
    }

    @Test func aStoredSocketWithoutItsFileIsClosed() async throws {
        try await withServer { server, path in
            let offer = try copy(of: server)
            await server.stop()
            let other = try await ControlServer.start(
                socketPath: path, group: nil, on: MultiThreadedEventLoopGroup.singleton, handler: echo)
            let sockets = try OfferedSockets([offer], for: path)
            #expect(sockets.control == nil && sockets.leftovers.map(\.name) == [offer.name])
            for leftover in sockets.leftovers { leftover.socket.discard() }
            #expect(fcntl(offer.descriptor, F_GETFD) == -1)
            let answered = try await blocking { try ControlClient(socketPath: path).send(.status).status }
            #expect(answered == 200)
            await other.stop()
        }
    }

    @Test func theSocketFileOfASocketUnitIsNotRemoved() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let descriptor = try listenSocket(at: path)
        chmod(path, 0o600)
        let sockets = try OfferedSockets(
            [OfferedSocket(descriptor: descriptor, name: "control", isListening: true)], for: path)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ControlServer.start(
            socketPath: path, group: "root", inherited: sockets.control, on: loops, handler: echo)
        await server.resume()
        let answered = try await blocking { try ControlClient(socketPath: path).send(.status).status }
        #expect(answered == 200)
        let inheritance = await server.inheritance()
        #expect(server.storedSocket == nil && inheritance?.isOfUnit == true)
        await server.stop()
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode == S_IFSOCK | 0o600)
        try await loops.shutdownGracefully()
    }
}
