import ClusterModel
import Planner
import Testing

/// `check` prints [OK] only for what it verified. Invariant: ready-is-true.
@Suite struct PassedChecksTests {
    private static func well() -> Scene {
        var scene = Scene.settled()
        scene.room(Scene.plenty, reserve: Reserve.bytes)
        scene.seen.check.inspection = .init(
            askedAt: scene.now, engine: scene.seen.engine, quarantineBytes: 0, quarantineFolders: 0)
        for name in scene.processes.keys.sorted() {
            scene.answer(name) { $0.load.maxMemoryBytes = 100 << 20 }
            scene.seen.check.settings[name] = .init(
                askedAt: scene.now, of: Scene.identity(name), values: ["appendonly": "yes"])
        }
        return scene
    }

    static let all = [
        "All 16384 slots covered.", "6 of 6 nodes run and answer.", "All nodes agree on roles and slots.",
        "Every master has its replica, in sync.", "Directives match the configuration.", "All nodes run redis 7.0.15.",
        "Saves and append-only files are written.", "Memory use is below the limits.",
        "The disk of /data has enough free space.",
    ]

    @Test func everyPassedCheckIsReported() {
        let scene = Self.well()
        let report = HealthReport(scene.decide(), scene.spec)
        #expect(report.passed == Self.all && !report.findings.contains { $0.code == .notChecked })
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Indexes in `all` of the lines that are missing.
        var unsaid: [Int]
        var notChecked: String?
        var change: @Sendable (inout Scene) -> Void

        init(
            _ words: String, _ unsaid: [Int], _ notChecked: String? = nil,
            _ change: @escaping @Sendable (inout Scene) -> Void
        ) {
            (testDescription, self.unsaid, self.notChecked, self.change) = (words, unsaid, notChecked, change)
        }
    }

    static let rows = [
        Row(
            "a replica does not answer", [1, 2, 3, 4, 5, 6, 7],
            "not checked: nodes, views, replicas, settings, engines, persistence, memory: 7004 does not answer"
        ) { $0.seen.replies["7004"]?.outcome = .silent },
        Row(
            "a master does not answer", [0, 1, 2, 3, 4, 5, 6, 7],
            "not checked: slots, nodes, views, replicas, settings, engines, persistence, memory: 7001 does not answer"
        ) { $0.seen.replies["7001"]?.outcome = .silent },
        Row("directives were not queried", [4], "not checked: settings: 7002 did not report the settings") {
            $0.seen.check.settings["7002"] = nil
        },
        Row("the disk was not read", [8], "not checked: disk: the disk was not read yet") {
            $0.seen.disks = []
        },
        Row("a replica lost its link, and has no memory limit", [3, 7]) { scene in
            scene.answer("7003") { $0.replication.linkUp = false }
        },
        Row("one node has another engine", [5, 7]) { scene in
            scene.answer("7003") { $0.engine = Engine(name: .redis, version: EngineVersion(7, 2, 0)) }
        },
        Row("a cache is full", [7]) { scene in
            scene.answer("7000") { report in
                report.load.maxMemoryBytes = 100 << 20
                report.load.memoryBytes = 99 << 20
            }
        },
        Row("one node has no limit", [7]) { $0.answer("7000") },
    ]

    @Test(arguments: rows) func aFailedOrUnknownCheckIsNotReportedAsPassed(_ row: Row) {
        var scene = Self.well()
        row.change(&scene)
        let report = HealthReport(scene.decide(), scene.spec)
        let expected = Self.all.indices.filter { !row.unsaid.contains($0) }.map { Self.all[$0] }
        #expect(report.passed == expected)
        #expect(report.findings.first { $0.code == .notChecked }?.message == row.notChecked)
    }

    @Test func aStoppedNodeIsCounted() {
        var scene = Self.well()
        scene.record?.members[3].wanted = .stopped
        scene.die("7003")
        scene.look()
        let report = HealthReport(scene.decide(), scene.spec)
        #expect(report.passed.contains("5 of 6 nodes run and answer; stopped by command: 7003."))
        #expect(!report.passed.contains("Every master has its replica, in sync."))
    }

    @Test func withoutAppendOnlyFilesTheSaveCheckStillPasses() {
        var scene = Self.well()
        for name in scene.processes.keys.sorted() { scene.answer(name) { $0.persistence.appendOnly = false } }
        #expect(HealthReport(scene.decide(), scene.spec).passed.contains("No save has failed."))
    }
}
