import Foundation

/// A cluster of three masters with a replica each, one way or the other, on ports of its own.
class Cluster {
    let server: String
    let folder: String
    let ports: [Int]
    let nodeTimeout: Int

    init(server: String, folder: String, base: Int, nodeTimeout: Int) throws {
        self.server = server
        self.folder = folder
        self.nodeTimeout = nodeTimeout
        ports = (0..<6).map { base + $0 }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// The same for both: what differs is who looks after them.
    var directives: [(String, String)] {
        [
            ("cluster-node-timeout", String(nodeTimeout)), ("appendonly", "yes"), ("repl-diskless-sync-delay", "0"),
            ("cluster-allow-replica-migration", "no"),
        ]
    }

    func start() throws {}
    func stop() {}
    /// Brings a dead node back, where nobody else does.
    func revive(_ port: Int) throws {}

    struct Shard {
        var master: Int
        var replicas: [Int]
        var slot: Int
    }

    /// As the node at `port` sees it.
    func shards(seenBy port: Int) -> [Shard] {
        guard let text = Node(port).send("CLUSTER", "NODES") else { return [] }
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        func address(_ line: [String]) -> Int { Int(line[1].split(separator: "@")[0].split(separator: ":")[1]) ?? 0 }
        return lines.compactMap { line in
            guard line.count > 8, line[2].contains("master"), !line[2].contains("fail") else { return nil }
            let followers = lines.filter { $0.count > 3 && $0[3] == line[0] && !$0[2].contains("fail") }
            let slot = Int(line[8].split(separator: "-")[0]) ?? 0
            return Shard(master: address(line), replicas: followers.map(address), slot: slot)
        }
    }

    /// All six agree, every replica is linked, every master takes writes.
    var isWhole: Bool {
        ports.allSatisfy { port in
            let node = Node(port)
            guard let info = node.send("INFO", "replication"), let state = node.send("CLUSTER", "INFO"),
                state.contains("cluster_state:ok")
            else { return false }
            let shards = shards(seenBy: port)
            guard shards.count == 3, shards.allSatisfy({ $0.replicas.count == 1 }) else { return false }
            return info.contains("role:master") || info.contains("master_link_status:up")
        }
    }
}

/// Looked after by clusterd.
final class SupervisedCluster: Cluster {
    private let program: String
    private var daemon = Process()

    init(program: String, server: String, folder: String, base: Int, nodeTimeout: Int) throws {
        self.program = program
        try super.init(server: server, folder: folder, base: base, nodeTimeout: nodeTimeout)
    }

    override func start() throws {
        // Each node is killed every few seconds. To be held for a crash loop takes nothing from a failover, and makes the next wait.
        let configuration = folder + "/clusterd.yaml"
        try "supervision: {restart-delay: 200ms..200ms}\n".write(
            toFile: configuration, atomically: true, encoding: .utf8)
        daemon.executableURL = URL(fileURLWithPath: program)
        daemon.arguments =
            ["up", "--config", configuration, "--dir", folder + "/data", "--port", String(ports[0])]
            + ["--server", server]
            + directives.flatMap { ["--set", "redis.\($0.0)=\($0.1)"] }
        daemon.currentDirectoryURL = URL(fileURLWithPath: folder)
        _ = FileManager.default.createFile(atPath: folder + "/log", contents: nil)
        let log = FileHandle(forWritingAtPath: folder + "/log")
        daemon.standardError = log
        daemon.standardOutput = log
        daemon.standardInput = FileHandle.nullDevice
        try daemon.run()
    }

    /// How long the next daemon takes from its start until it has taken over what the one before left behind, in seconds.
    func replaceDaemon() throws -> Double {
        kill(daemon.processIdentifier, SIGKILL)
        daemon.waitUntilExit()
        daemon = Process()
        let began = seconds()
        try start()
        let isReady = eventually(within: 60, every: 500) {
            (try? String(contentsOfFile: folder + "/log", encoding: .utf8))?.contains("\nready ") == true
        }
        guard isReady else { throw Trouble("the next daemon did not become ready: see \(folder)/log") }
        return seconds() - began
    }

    override func stop() {
        guard daemon.isRunning else { return }
        kill(daemon.processIdentifier, SIGTERM)
        daemon.waitUntilExit()
    }
}

/// Servers and `redis-cli --cluster create`: whoever dies is replaced by the engine's own election, and brought back by
/// this benchmark once that is over.
final class StockCluster: Cluster {
    private let cli: String
    private var servers: [Int: Process] = [:]

    init(cli: String, server: String, folder: String, base: Int, nodeTimeout: Int) throws {
        self.cli = cli
        try super.init(server: server, folder: folder, base: base, nodeTimeout: nodeTimeout)
    }

    override func start() throws {
        for port in ports { try revive(port) }
        guard eventually(within: 10, { ports.allSatisfy { Node($0).send("PING") == "+PONG" } }) else { return }
        let create = Process()
        create.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        create.arguments =
            [cli, "--cluster", "create"] + ports.map { "127.0.0.1:\($0)" }
            + ["--cluster-replicas", "1", "--cluster-yes"]
        create.standardOutput = FileHandle.nullDevice
        try create.run()
        create.waitUntilExit()
    }

    override func revive(_ port: Int) throws {
        let home = "\(folder)/\(port)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            [
                server, "--port", String(port), "--cluster-enabled", "yes", "--dir", home, "--bind", "127.0.0.1",
                "--logfile", home + "/redis.log",
            ] + directives.flatMap { ["--\($0.0)", $0.1] }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        servers[port] = process
    }

    override func stop() {
        for process in servers.values where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for process in servers.values { process.waitUntilExit() }
    }
}
