import ControlAPI
import Foundation
import Testing

/// An incident, as recorded in its timeline.
@Suite(.serialized) struct EventsTests {
    private func events(_ daemon: Daemon, _ arguments: [String] = []) throws -> [EventDocument] {
        let answer = try daemon.command(["events", "--json"] + arguments)
        try #require(answer.exit == 0, "\(answer.errors)")
        return try ControlJSON.decode(EventsDocument.self, from: Array(answer.output.utf8)).events
    }

    private func number(_ event: EventDocument?, _ name: String) -> Int64? {
        guard case .object(let data)? = event?.data, case .integer(let number)? = data[name] else { return nil }
        return number
    }

    @Test(arguments: Engines.all) func theTimelineOfADeadMasterIsInOrderWithCauseAndCost(engine: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", engine])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
            let before = try #require(try events(daemon).last?.seq)
            kill(try #require(master.pid), SIGKILL)
            let isBack = await eventually {
                try daemon.status().nodes.first { $0.name == master.name }?.pid != master.pid
                    && events(daemon, ["-n", "1"]).last?.code == "ready"
            }
            #expect(isBack, "\(daemon.output.suffix(1000))")
            let told = try events(daemon).filter { $0.seq > before }
            // No event of the causal chain is missing, and none is too early.
            let story = [
                "node-exited", "serving-lost", "promotion-ordered", "promoted", "serving-regained", "node-started",
                "in-sync", "ready",
            ]
            let places = story.map { code in told.firstIndex { $0.code == code } ?? -1 }
            #expect(places == places.sorted() && places[0] >= 0, "\(told.map(\.message))")
            let exit = told.first { $0.code == "node-exited" }
            #expect(exit?.node == master.name && number(exit, "signal") == 9 && exit?.severity == .error)
            #expect(exit?.host == "127.0.0.1" && exit?.cluster == "data")
            let promoted = told.first { $0.code == "promoted" }
            #expect(promoted?.node == replica.name && number(promoted, "mayBeLostBytes") == 0, "\(told.map(\.message))")
            let regained = told.first { $0.code == "serving-regained" }
            let refused = try #require(number(regained, "refusedMs"))
            let between = (regained?.at.time.milliseconds ?? 0) - (exit?.at.time.milliseconds ?? 0)
            #expect(refused >= 0 && abs(refused - between) <= 1000 && regained?.shard == replica.name)
            #expect(told.map(\.seq) == told.first.map { first in told.indices.map { first.seq + Int64($0) } })
            try await daemon.stop()
        }
    }

    @Test func eventNumbersContinueAcrossDaemons() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            _ = try #require(try events(daemon).last)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            // No daemon responds; the events are readable nevertheless, and the output says where they come from.
            let dead = try Daemon.run(["events", "--dir", daemon.data])
            #expect(dead.exit == 3 && dead.errors.contains(daemon.data + "/events.jsonl"), "\(dead.errors)")
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.command(["detach"]).exit == 0)
            _ = await daemon.ended()
            try daemon.up()
            try await daemon.ready()
            try await daemon.stop()
            let text = try String(contentsOfFile: daemon.data + "/events.jsonl", encoding: .utf8)
            let all = try text.split(separator: "\n").map {
                try ControlJSON.decode(EventDocument.self, from: Array($0.utf8))
            }
            #expect(all.map(\.seq) == Array(1...Int64(all.count)))
            let starts = all.filter { $0.code == "daemon-started" }
            #expect(starts.map(\.severity) == [.info, .warning, .info])
            let ends = all.filter { $0.code == "daemon-ended" }.map(\.message)
            #expect(ends == ["clusterd exits and leaves the nodes running", "clusterd exits: all nodes are stopped"])
            #expect(all.count { $0.code == "node-adopted" } == 2)
            let asked = all.filter { $0.code == "stop-asked" || $0.code == "detach-asked" }.map(\.message)
            #expect(asked.count == 2 && asked[0].hasPrefix("detach requested by user \(getuid()) (process "))
            #expect(asked[1] == "stop of all nodes requested by SIGINT")
        }
    }

    @Test func eventsFollowContinuesWithTheNextDaemonAndEndsWithTheCluster() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let path = daemon.home + "/followed"
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            let follower = Process()
            follower.executableURL = URL(fileURLWithPath: Daemon.program)
            follower.arguments = ["events", "-f", "--json", "-n", "100", "--dir", daemon.data]
            follower.standardOutput = FileHandle(forWritingAtPath: path)
            follower.standardError = FileHandle.nullDevice
            follower.standardInput = FileHandle.nullDevice
            try follower.run()
            defer { if follower.isRunning { follower.terminate() } }
            func followed() -> [EventDocument] {
                let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
                return text.split(separator: "\n").compactMap {
                    try? ControlJSON.decode(EventDocument.self, from: Array($0.utf8))
                }
            }
            #expect(await eventually { followed().contains { $0.code == "ready" } })
            let pid = try #require(try daemon.status().nodes.first?.pid)
            kill(pid, SIGKILL)
            #expect(await eventually { followed().contains { $0.code == "node-exited" } })
            try await daemon.ready()
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            try daemon.up()
            try await daemon.ready()
            try await daemon.stop()
            #expect(await eventually { !follower.isRunning })
            #expect(follower.terminationStatus == 0)
            let all = followed()
            #expect(all.map(\.seq) == Array(1...Int64(all.count)) && all.last?.code == "daemon-ended")
        }
    }

    @Test func aRefusedStartLeavesTheFolderUnchanged() async throws {
        try await withDaemon { daemon in
            let folder = daemon.data + "/7000"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try "REDIS0011garbage".write(toFile: folder + "/dump.rdb", atomically: true, encoding: .utf8)
            try daemon.up()
            #expect(await daemon.ended() == 4)
            #expect(!FileManager.default.fileExists(atPath: daemon.data + "/events.jsonl"))
        }
    }

    @Test func wrongOptionsOfEventsAreReported() throws {
        let since = try Daemon.run(["events", "--since", "yesterday"])
        #expect(since.exit == 64 && since.errors.contains("yesterday"))
        let count = try Daemon.run(["events", "-n", "-3"])
        #expect(count.exit == 64)
    }
}
