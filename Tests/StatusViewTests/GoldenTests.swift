import Foundation
import StatusView
import Testing

/// The table as it appears on the screen, in text files: Golden/SCENE-WIDTH[-color].txt. After an intended change,
/// rewrite them and review the difference:
///
///     UPDATE_GOLDEN=1 swift test --filter GoldenTests && git diff Tests/StatusViewTests/Golden
@Suite struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden")
    private static let isUpdate = ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1"

    @Test(arguments: StatusScene.all, [80, 120])
    func theTableMatchesItsGoldenFile(scene: StatusScene, width: Int) throws {
        let table = StatusTable(scene.status, waits: scene.waits, now: StatusScene.now, width: width)
        try compare(table.lines, "\(scene)-\(width)")
    }

    @Test(arguments: [StatusScene.degraded, .movedPort, .stoppedNode], [80, 120])
    func theNodePageMatchesItsGoldenFile(scene: StatusScene, width: Int) throws {
        let node = try #require(
            scene.status.nodes.first { $0.name == scene.status.findings.last { $0.node != nil }?.node })
        let page = NodePage(node, of: scene.status, now: StatusScene.now, width: width)
        try compare(page.lines, "\(scene)-node-\(width)")
    }

    private func compare(_ lines: [Line], _ name: String) throws {
        for (isColored, suffix) in [(false, ""), (true, "-color")] {
            let text = lines.map { $0.rendered(Style(color: isColored)) }.joined(separator: "\n") + "\n"
            let file = Self.folder.appendingPathComponent("\(name)\(suffix).txt")
            if Self.isUpdate { try text.write(to: file, atomically: true, encoding: .utf8) }
            let before = try String(contentsOf: file, encoding: .utf8)
            #expect(text == before, "\(file.lastPathComponent) is now:\n\(text)")
        }
    }

    @Test func everyGoldenFileBelongsToAScene() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        let scenes = StatusScene.all.flatMap { scene in [80, 120].map { "\(scene)-\($0)" } }
        let pages = [StatusScene.degraded, .movedPort, .stoppedNode].flatMap { scene in
            [80, 120].map { "\(scene)-node-\($0)" }
        }
        #expect(names.sorted() == (scenes + pages).flatMap { ["\($0).txt", "\($0)-color.txt"] }.sorted())
    }
}
