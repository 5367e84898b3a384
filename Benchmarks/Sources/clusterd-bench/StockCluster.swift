import Foundation

/// Servers from a start script, and `redis-cli --cluster create`. The engine's own election replaces a dead master, and this
/// benchmark starts dead nodes again.
final class StockCluster: Cluster {
    private var servers: [Int: Child] = [:]
    private var isFormed = false
    /// Seconds that the script took.
    private(set) var scriptTime = 0.0

    init(_ bench: Bench, _ name: String = "stock", masters: Int = 3) throws {
        try super.init(bench, name, base: bench.options.port + 200, masters: masters)
        for port in ports {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(port)", withIntermediateDirectories: true)
        }
    }

    /// What a careful operator's script does: start the servers, wait until each answers, create the cluster.
    private func script() -> String {
        let list = ports.map(String.init).joined(separator: " ")
        return """
            set -e
            for port in \(list); do
                \(bench.options.server) --port $port --dir \(folder)/$port --daemonize yes \(flags(at: "$port"))
            done
            for port in \(list); do
                until [ "$(\(bench.options.cli) -p $port ping 2>/dev/null)" = PONG ]; do sleep 0.05; done
            done
            \(bench.options.cli) --cluster create \(ports.map { "127.0.0.1:\($0)" }.joined(separator: " ")) \
            --cluster-replicas 1 --cluster-yes
            """
    }

    private func flags(at port: String) -> String {
        "--cluster-enabled yes --bind 127.0.0.1 --logfile \(folder)/\(port)/redis.log "
            + directives.map { "--\($0.0) \($0.1)" }.joined(separator: " ")
    }

    override func start() throws {
        guard !isFormed else { return try startServers() }
        isFormed = true
        let began = seconds()
        try Child.run("sh", ["-c", script()], output: folder + "/script.log")
        scriptTime = seconds() - began
    }

    /// Starts every server that does not run, at once.
    func startServers() throws {
        for port in ports { try revive(port) }
    }

    override func revive(_ port: Int) throws {
        let flags = flags(at: String(port)).split(separator: " ").map(String.init)
        servers[port] = try Child(
            bench.options.server, ["--port", String(port), "--dir", "\(folder)/\(port)"] + flags)
    }

    /// Until each server answers PING, in seconds: what no way to create a cluster can undercut.
    func timeToServers() throws -> Double {
        let nodes = ports.map(Node.init)
        let began = seconds()
        try startServers()
        try require("all servers answer", within: 60, every: 1000) { nodes.allSatisfy { $0.send("PING") == "+PONG" } }
        return seconds() - began
    }

    /// SIGTERM to this node, and a start of the same once it has ended.
    func restart(_ port: Int) throws {
        guard let pid = Node(port).pid else { throw Trouble("\(port) does not answer") }
        try terminate([pid])
        try revive(port)
    }

    override func stop() throws { try terminate(try processes()) }

    /// As a supervisor stops its programs: SIGTERM to all, and waits until they have ended.
    private func terminate(_ pids: [pid_t]) throws {
        for pid in pids { kill(pid, SIGTERM) }
        try require("the end of all servers", within: 60, every: 200) {
            pids.allSatisfy { pid in
                servers.values.first { $0.pid == pid }?.hasEnded ?? !ProcessFacts.isAlive(pid)
            }
        }
    }

    override func checkRuns() throws {
        guard let (port, _) = servers.first(where: { $0.value.hasEnded }) else { return }
        throw Trouble("server \(port) ended:\n\(Child.lastLines(of: "\(folder)/\(port)/redis.log"))")
    }

    override func discard() {
        ProcessFacts.killAll(in: folder)
        _ = eventually(within: 10) { servers.values.allSatisfy(\.hasEnded) }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
