import ControlAPI
import Foundation
import Testing

/// Lists all clusters of the host, and finds each by its name.
@Suite(.serialized) struct ListTests {
    private struct Document: Decodable {
        struct Cluster: Decodable {
            var name: String?
            var daemon: String
            var state: String?
            var ports: [Int]
            var dir: String?
            var pid: Int32?
            var reason: String?
        }
        var schema: Int
        var clusters: [Cluster]
    }

    private func cluster(_ daemon: Daemon) throws -> Document.Cluster? {
        let answer = try Daemon.run(["list", "--json"])
        try #require(answer.exit == 0, "\(answer.errors)")
        return try JSONDecoder().decode(Document.self, from: Data(answer.output.utf8)).clusters
            .first { $0.dir == daemon.data }
    }

    private func named(_ name: String, _ daemon: Daemon) throws -> [String] {
        let file = "\(daemon.home)/\(name).yaml"
        try "cluster: {name: \(name)}\n".write(toFile: file, atomically: true, encoding: .utf8)
        return ["--config", file, "--masters", "1", "--replicas", "0"]
    }

    @Test func clustersAreFoundByTheirNames() async throws {
        let name = "list-\(UUID().uuidString.prefix(8).lowercased())"
        try await withDaemon { one in
            try await withDaemon { two in
                try one.up(named(name, one))
                try await one.ready()
                try two.up(named(name + "-two", two))
                try await two.ready()
                let seen = try #require(try cluster(one))
                #expect(seen.name == name && seen.daemon == "answers" && seen.state == "ok")
                #expect(try seen.pid == one.process.processIdentifier && seen.ports == one.status().nodes.map(\.port))
                let table = try Daemon.run(["list"]).output.split(separator: "\n")
                #expect(table.contains { $0.hasPrefix(name + " ") && $0.contains(one.data) }, "\(table)")
                let status = try Daemon.run(["status", "--json", "--cluster", name + "-two"])
                let document = try ControlJSON.decode(StatusDocument.self, from: Array(status.output.utf8))
                #expect(try document.cluster.daemon.pid == two.status().cluster.daemon.pid)
                let unknown = try Daemon.run(["status", "--cluster", name + "-three"])
                #expect(unknown.exit == 3 && unknown.errors.contains("\(name), \(name)-two"), "\(unknown.errors)")
                // The first option decides: --dir before --cluster.
                #expect(try Daemon.run(["status", "--dir", one.data, "--cluster", name + "-three"]).exit == 0)

                // A frozen daemon is listed with the data of its record.
                let ports = try two.status().nodes.map(\.port)
                kill(two.process.processIdentifier, SIGSTOP)
                let silent = try cluster(two)
                kill(two.process.processIdentifier, SIGCONT)
                #expect(silent?.name == name + "-two" && silent?.daemon == "silent")
                #expect(silent?.reason?.contains("did not answer") == true && silent?.ports == ports)

                try await two.stop()
                #expect(try cluster(two) == nil)
                kill(one.process.processIdentifier, SIGKILL)
                _ = await one.ended()
                let left = try #require(try cluster(one))
                #expect(left.daemon == "missing" && left.name == name && left.pid == nil)
                let dead = try Daemon.run(["status", "--cluster", name])
                #expect(dead.exit == 3 && dead.errors.contains("clusterd up --dir \(one.data)"), "\(dead.errors)")
            }
        }
    }

    /// Its folder is deleted while it runs, and a second cluster is started there.
    @Test func aDaemonWithADeletedFolderIsListedBesideItsSuccessor() async throws {
        try await withDaemon { daemon in
            let arguments = ["--masters", "1", "--replicas", "0"]
            try daemon.up(arguments)
            try await daemon.ready()
            let orphan = daemon.process
            let (pid, nodes) = (orphan.processIdentifier, daemon.nodePIDs())
            let ports = try daemon.status().nodes.map(\.port)
            defer { for pid in nodes + [pid] { kill(pid, SIGKILL) } }
            // Its nodes write to it meanwhile.
            let isGone = await eventually {
                try? FileManager.default.removeItem(atPath: daemon.data)
                return !FileManager.default.fileExists(atPath: daemon.data)
            }
            try #require(isGone)
            try daemon.up(arguments)
            try await daemon.ready()
            let answer = try Daemon.run(["list", "--json"])
            let all = try JSONDecoder().decode(Document.self, from: Data(answer.output.utf8)).clusters
            let mine = all.filter { $0.dir?.hasPrefix(daemon.data) == true }
            let lost = try #require(mine.first { $0.daemon == "orphaned" }, "\(mine)")
            #expect(mine.count == 2 && lost.pid == pid && lost.ports == ports && lost.name == nil, "\(mine)")
            let second = try daemon.status().cluster.daemon.pid
            #expect(mine.contains { $0.daemon == "answers" && $0.pid == second }, "\(mine)")
            // The command in the hint stops it with its nodes.
            kill(pid, SIGTERM)
            #expect(await eventually { !orphan.isRunning })
            try await daemon.stop()
        }
    }
}
