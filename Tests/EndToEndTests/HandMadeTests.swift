import ControlAPI
import Foundation
import ProcessSupervision
import Testing

/// Nodes that an operator set up with their own redis.conf, and that clusterd adopts.
@Suite(.serialized) struct HandMadeTests {
    /// Three masters with some keys, formed and stopped: each in `DIR/NAME` with its redis.conf.
    private func layOut(
        _ daemon: Daemon, names: [String]? = nil, password: String? = nil, _ settings: (Int) -> String
    ) async throws -> [String] {
        let ports = (0..<3).map { daemon.base + $0 }
        var servers: [Process] = []
        defer { for server in servers where server.isRunning { kill(server.processIdentifier, SIGKILL) } }
        for (index, port) in ports.enumerated() {
            let folder = "\(daemon.data)/\(names?[index] ?? String(port))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let text = "port \(port)\ncluster-enabled yes\ncluster-config-file nodes.conf\ndir \(folder)\nsave \"\"\n"
            try (text + "appendonly yes\nappendfsync always\n" + settings(port))
                .write(toFile: folder + "/redis.conf", atomically: true, encoding: .utf8)
            let server = Process()
            server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            server.arguments = ["redis-server", folder + "/redis.conf"]
            server.standardOutput = FileHandle.nullDevice
            try server.run()
            servers.append(server)
        }
        func send(_ port: Int, _ words: String...) async throws -> String? {
            try await Redis.send(port, words, password: password).text
        }
        for (index, port) in ports.enumerated() {
            #expect(
                await eventually { try await Redis.send(port, ["PING"], password: password) == .simple("PONG") })
            let bounds = ["0 5460", "5461 10922", "10923 16383"][index].split(separator: " ").map(String.init)
            _ = try await send(port, "CLUSTER", "ADDSLOTSRANGE", bounds[0], bounds[1])
            _ = try await send(port, "CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
        }
        for port in ports[1...] { _ = try await send(port, "CLUSTER", "MEET", "127.0.0.1", "\(ports[0])") }
        for port in ports {
            #expect(await eventually { try await send(port, "CLUSTER", "INFO")?.contains("cluster_state:ok") == true })
        }
        let keys = try await Redis.fill(ports, 100, password: password)
        for server in servers { kill(server.processIdentifier, SIGKILL) }
        for server in servers { #expect(ProcessWatch.wait(for: server.processIdentifier, limit: .seconds(20))) }
        return keys
    }

    @Test func adoptedNodesKeepTheirSettings() async throws {
        try await withDaemon { daemon in
            let common = daemon.home + "/common.conf"
            try "maxmemory-policy allkeys-lru\n".write(toFile: common, atomically: true, encoding: .utf8)
            let keys = try await layOut(daemon, password: "se same") { port in
                "requirepass \"se same\"\nmasterauth \"se same\"\nmaxmemory \(port)mb\ninclude \(common)\n"
            }
            let ports = (0..<3).map { daemon.base + $0 }
            for _ in 1...2 {
                try daemon.up()
                try await daemon.ready()
                for port in ports {
                    let open = try? await Redis.send(port, "GET", "key1")
                    #expect(open == nil || "\(String(describing: open))".contains("NOAUTH"))
                    let info = try await Redis.send(port, "INFO", "memory", password: "se same").text ?? ""
                    #expect(info.contains("maxmemory:\(port << 20)\r\n"))
                    #expect(info.contains("maxmemory_policy:allkeys-lru"))
                }
                #expect(try await Redis.missing(keys, on: ports, password: "se same") == 0)
                #expect(try daemon.command(["reload"]).exit == 0)
                #expect(try daemon.status().findings.allSatisfy { $0.code != "restart-pending" })
                try await daemon.stop()
            }
            #expect(daemon.output.contains("are kept in \(daemon.data)/kept-settings.yaml"))
            #expect(!daemon.output.contains("se same"))
            let kept = try FileManager.default.attributesOfItem(atPath: daemon.data + "/kept-settings.yaml")
            #expect(kept[.posixPermissions] as? Int == 0o600)
            try "redis: {requirepass: null}".write(
                toFile: daemon.home + "/less.yaml", atomically: true, encoding: .utf8)
            try daemon.up(["--config", daemon.home + "/less.yaml"])
            #expect(await daemon.ended() == 78)
        }
    }

    @Test(arguments: ["unixsocket /tmp/a.sock", "include /nowhere.conf", "no-such-directive 1", "loadmodule ./a.so"])
    func anUnsupportedDirectiveIsRefusedAndNothingChanges(line: String) async throws {
        try await withDaemon { daemon in
            let folder = "\(daemon.data)/\(daemon.base)"
            _ = try await layOut(daemon) { _ in "hz 20\n" }
            let conf = try String(contentsOfFile: folder + "/redis.conf", encoding: .utf8) + line + "\n"
            try conf.write(toFile: folder + "/redis.conf", atomically: true, encoding: .utf8)
            let number = conf.split(separator: "\n").count
            let before = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
            try daemon.up()
            #expect(await daemon.ended() == 78)
            #expect(daemon.output.contains("\(folder)/redis.conf:\(number):1"), "\(daemon.output)")
            #expect(try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() == before)
            #expect(!FileManager.default.fileExists(atPath: daemon.data + "/state.json"))
        }
    }

    /// As if each came from a separate host, on which every node had the same port.
    @Test func foldersOfSeveralHostsGetPortsOfTheirOwn() async throws {
        try await withDaemon { daemon in
            let names = ["host1", "host2", "redis-cluster-0"]
            let keys = try await layOut(daemon, names: names) { _ in "" }
            for name in names {
                let path = "\(daemon.data)/\(name)/nodes.conf"
                var text = try String(contentsOfFile: path, encoding: .utf8)
                for index in 0..<3 {
                    let port = daemon.base + index
                    text = text.replacing("127.0.0.1:\(port)@\(port + 10000)", with: "10.0.0.\(index):6379@16379")
                    text = text.replacing(":\(port)@\(port + 10000)", with: ":6379@16379")
                }
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }
            try daemon.up()
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            #expect(try daemon.status().nodes.map(\.port) == ports)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
            #expect(!FileManager.default.fileExists(atPath: daemon.data + "/nodes"))
        }
    }
}
