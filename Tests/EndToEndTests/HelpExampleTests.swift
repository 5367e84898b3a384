import ControlAPI
import Foundation
import Testing

@testable import clusterd

/// Every example in the help, run on a real cluster.
@Suite(.serialized) struct HelpExampleTests {
    /// These start a cluster in the current folder, run until they are stopped, or need files that are missing here
    /// (conf.d of the service) or a server elsewhere. They have separate tests; here they are only parsed.
    private static let elsewhere = ["up", "exec", "run", "import"]
    private static let endless = ["-f", "--follow", "--watch"]
    /// These stop the cluster: they run last.
    private static let ending = ["detach", "stop", "destroy"]

    private func words(_ example: String) -> [String] {
        example.split(separator: " ").map(String.init)
    }

    /// The example with this cluster's ports and folders, and an existing operation.
    private func meant(_ word: String, _ daemon: Daemon, operation: String, name: String) -> String {
        switch word {
        case "12": return operation
        case "demo": return name
        case "/srv/demo": return daemon.data
        case "/srv/backup": return daemon.home + "/backup"
        default:
            // `7000`, or `7000=2`.
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard let port = parts.first.flatMap({ Int($0) }), (7000...7005).contains(port) else { return word }
            return ([String(daemon.base + port - 7000)] + parts.dropFirst()).joined(separator: "=")
        }
    }

    @Test func everyHelpExampleRuns() async throws {
        try await withDaemon { daemon in
            // The engine refuses a second election of a replica for four of these, and the examples need several.
            let hasty = ["--set", "redis.cluster-node-timeout=1000"]
            try daemon.up(hasty)
            try await daemon.ready()
            let name = try daemon.status().cluster.name
            try FileManager.default.createDirectory(
                atPath: daemon.home + "/conf.d", withIntermediateDirectories: true)
            try "redis: {maxmemory: 100mb}\n".write(
                toFile: daemon.home + "/conf.d/10.yaml", atomically: true, encoding: .utf8)
            for (command, type) in CommandTree.leaves where !Self.ending.contains(command[1]) {
                guard !Self.elsewhere.contains(command[1]) else { continue }
                for example in CommandTree.examples(of: type) {
                    let typed = words(example)
                    guard Set(typed).isDisjoint(with: Self.endless), typed.count > 1 else { continue }
                    try await self.try(typed, daemon, name: name)
                }
            }
            #expect(try daemon.command(["detach"]).exit == 0)
            try daemon.up(hasty)
            try await daemon.ready()
            #expect(try daemon.command(["destroy", name]).exit == 4)
            #expect(try daemon.command(["destroy", name, "--yes"]).exit == 0)
            #expect(daemon.nodePIDs() == [])
        }
    }

    private func `try`(_ typed: [String], _ daemon: Daemon, name: String) async throws {
        let operation = try daemon.operations().last?.id ?? "1"
        let arguments = typed.dropFirst().map { meant($0, daemon, operation: operation, name: name) }
        let result = try Daemon.run(
            arguments, in: daemon.home, environment: ["CLUSTERD_SOCKET": daemon.data + "/control.sock"])
        // Cancelling an ended operation is refused; the service's configuration is missing here.
        let allowed: Set<Int32> =
            switch typed[1] {
            case "cancel": [1]
            // What it would do needs --yes.
            case "apply" where typed.count == 2: [0, 4]
            case "config" where !typed.contains("--config"): [0, 78]
            // Two clusters in one folder, and a folder in quarantine, are missing here.
            case "fix" where typed.contains("--keep"): [3]
            case "quarantine" where typed.count == 4 && typed[2] == "remove": [64]
            default: [0]
            }
        #expect(allowed.contains(result.exit), "\(typed.joined(separator: " ")): exit \(result.exit)\n\(result.errors)")
        // A node stopped by an example is started again, so that the next one finds a complete cluster.
        if typed[1] == "stop-node" || typed[1] == "pause" {
            let node = typed[1] == "pause" ? ["resume"] : ["start-node", arguments[1]]
            #expect(try daemon.command(node).exit == 0)
        }
        try await daemon.ready()
    }
}
