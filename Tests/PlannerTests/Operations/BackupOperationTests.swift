import ClusterModel
import Planner
import Testing

@Suite struct BackupOperationTests {
    @Test func aBackupSavesAllMastersInOneTurnAndEndsWithItsManifest() throws {
        var scene = try Scene.ordered(.backup("/srv/backup", keep: 2))
        let decision = scene.come { !$0.orders("save").isEmpty }
        #expect(decision.nodes("save").sorted() == ["7000", "7001", "7002"])
        var orders: [String] = []
        scene.run { decision in
            orders += decision.effects.map(\.key.kind.rawValue)
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(orders.count { $0 == "open dump" } == 3 && orders.count { $0 == "copy dump" } == 3)
        #expect(orders.count { $0 == "finish backup" } == 1 && orders.count { $0 == "prune backups" } == 1)
        #expect(!orders.contains("discard backup"))
    }

    @Test func aMasterThatIsRestartedWhileItSavesEndsTheBackup() throws {
        var scene = try Scene.ordered(.backup("/srv/backup"))
        scene.run { !$0.orders("save").isEmpty }
        scene.die("7000")
        scene.look()
        scene.run { !$0.orders("discard backup").isEmpty }
        #expect(scene.operation?.failure == .changedWhileSaved("7000"))
    }

    @Test func anotherDaemonBeginsTheBackupAgain() throws {
        var scene = try Scene.ordered(.backup("/srv/backup"))
        scene.run { !$0.orders("copy dump").isEmpty }
        scene.replaceDaemon()
        scene.run { !$0.orders("save").isEmpty }
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    @Test func aCancelledBackupIsRemoved() throws {
        var scene = try Scene.ordered(.backup("/srv/backup"))
        scene.run { !$0.orders("save").isEmpty }
        let id = try #require(scene.operation?.id)
        try scene.ask(.cancel(String(id)))
        scene.run { !$0.orders("discard backup").isEmpty }
    }

    @Test func aSecondBackupAndAFolderOfTheClusterAreRefused() throws {
        let scene = try Scene.ordered(.backup("/srv/backup"))
        #expect(scene.refusal(.backup("/srv/backup"))?.code == "operation-under-way")
        for folder in ["/data", "/data/backup", "/data/nodes/7000/b", "backup", "/srv/../data", "/"] {
            #expect(Scene.settled().refusal(.backup(folder))?.code == "backup-folder", "\(folder)")
        }
    }

    @Test func anUnusableFolderEndsTheBackup() throws {
        var scene = try Scene.ordered(.backup("/srv/backup"))
        let decision = scene.come { !$0.orders("prepare backup").isEmpty }
        let order = try #require(decision.orders("prepare backup").first)
        scene.take(scene.decide())
        scene.note(order, failure: "cannot find the folder /srv: No such file or directory")
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(
            scene.operation?.error
                == "cannot find the folder /srv: No such file or directory; no backup was made")
    }
}
