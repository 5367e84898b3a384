import Foundation

/// Supervised by clusterd.
final class SupervisedCluster: Cluster {
    private var daemon: Child?
    private let configuration: String
    private let log: String

    init(_ bench: Bench, _ name: String = "clusterd", masters: Int = 3, base: Int? = nil) throws {
        configuration = "\(bench.home)/\(name)/clusterd.yaml"
        log = "\(bench.home)/\(name)/log"
        try super.init(bench, name, base: base ?? bench.options.port, masters: masters)
        // Ports must be the ones that are polled. A node that is killed every few seconds must not be held for a crash loop: that
        // would change no failover, and make the next one wait.
        try "cluster: {on-port-conflict: fail}\nsupervision: {restart-delay: 200ms..200ms}\n".write(
            toFile: configuration, atomically: true, encoding: .utf8)
    }

    var data: String { folder + "/data" }
    var pid: pid_t { daemon?.pid ?? -1 }

    override func start() throws {
        daemon = try Child(
            bench.options.program,
            [
                "up", "--config", configuration, "--dir", data, "--port", String(ports[0]), "--masters",
                String(masters),
                "--replicas", "1", "--server", bench.options.server,
            ] + directives.flatMap { ["--set", "redis.\($0.0)=\($0.1)"] },
            output: log)
    }

    /// A command for the daemon, to its end.
    func command(_ words: String...) throws {
        try Child.run(bench.options.program, words + ["--dir", data], output: folder + "/command.log", reaping: daemon)
    }

    override func stop() throws {
        try command("stop")
        try daemon?.wait()
    }

    /// Ends the daemon and leaves the nodes running.
    func detach() throws {
        try command("detach")
        try daemon?.wait()
        daemon = nil
    }

    /// Seconds from the start of the next daemon until it has taken over what the killed one left behind.
    func replaceDaemon() throws -> Double {
        daemon?.signal(SIGKILL)
        try daemon?.wait()
        let began = seconds()
        try start()
        try awaitTakeover()
        return seconds() - began
    }

    override func checkRuns() throws {
        guard daemon?.hasEnded == true else { return }
        throw Trouble("clusterd ended:\n\(Child.lastLines(of: log))")
    }

    /// Until the daemon says that it is ready.
    func awaitTakeover() throws {
        try require("the next daemon is ready", within: 60, every: 500) {
            try checkRuns()
            return (try? String(contentsOfFile: log, encoding: .utf8))?.contains("\nready ") == true
        }
    }

    override func discard() {
        if let daemon, !daemon.hasEnded {
            daemon.signal(SIGTERM)
            if !eventually(within: 20, { daemon.hasEnded }) { daemon.signal(SIGKILL) }
        }
        // After a detach, or a daemon that was killed.
        ProcessFacts.killAll(in: folder)
        try? FileManager.default.removeItem(atPath: folder)
    }
}
