import ClusterModel
import Testing

@testable import Planner

/// Every combination of a dead master's files and its replica's state at its exit: which node is master in the end.
/// Invariant: no-older-master.
@Suite struct WhoBecomesMasterTests {
    /// The files in the folder of the dead master.
    enum Files: CaseIterable { case whole, none, oldDump }

    /// The replica's last report, while its master ran for two more seconds.
    enum Link: CaseIterable { case inSync, down, syncing }

    struct Case: CustomTestStringConvertible {
        var files: Files
        var link: Link
        /// Bytes that the replica lacks of the master's last known offset.
        var behind: Int64
        var failover: ClusterSpec.Supervision.Failover

        var testDescription: String { "files \(files), \(link), \(behind) bytes behind, \(failover)" }

        /// Said without the planner's own functions. Whole files lack nothing of a process that ended: only a replica that has
        /// followed to the end, and closely, may be preferred to them for the time that it saves. Every other copy is older.
        var mayBePromoted: Bool {
            files != .whole || link == .inSync && behind <= 1 << 20 && failover != .off
        }
        var mayStartInPlace: Bool { files == .whole }
    }

    static let cases: [Case] = Files.allCases.flatMap { files in
        Link.allCases.flatMap { link in
            [0, 100, 1 << 20, 1 << 21].flatMap { behind in
                ClusterSpec.Supervision.Failover.allCases.map { failover in
                    Case(files: files, link: link, behind: behind, failover: failover)
                }
            }
        }
    }

    @Test(arguments: cases) func theNodeThatLosesLeastBecomesMaster(_ given: Case) {
        var scene = Scene.bereaved { scene in
            scene.spec.supervision.failover = given.failover
            scene.pass(.seconds(1))
            scene.answer("7003") { report in
                report.replication.linkUp = given.link != .down
                report.replication.syncInProgress = given.link == .syncing
            }
            if given.link != .inSync { scene.pass(.seconds(2)) }
            let reached = scene.report("7003")?.replication.offset ?? 0
            scene.answer("7000") { $0.replication.offset = reached + given.behind }
        }
        switch given.files {
        case .whole: break
        case .none: scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        case .oldDump: scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-60))
        }
        scene.look()
        scene.answer("7003")
        let end = scene.run { $0.assessment.ready }
        #expect(end != nil, "the shard does not come back")
        if scene.masters[0] == "7003" {
            #expect(given.mayBePromoted)
        } else {
            #expect(given.mayStartInPlace)
        }
    }
}
