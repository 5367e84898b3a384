import ClusterModel
import ControlAPI
import Testing

@testable import StatusView

/// No line is wider than the terminal, for every cluster and all names.
@Suite struct WidthTests {
    @Test(arguments: StatusScene.all)
    func noLineIsWiderThanTheTerminal(scene: StatusScene) {
        for width in StatusTable.narrowest...200 {
            check(scene.status, scene.waits, width, pages: width % 20 == 0)
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func noLineIsWiderThanTheTerminalForArbitraryText(seed: UInt64) {
        var random = Seeded(state: seed)
        var status = StatusScene.cluster(
            .degraded, masters: Int.random(in: 1...3, using: &random), replicas: Int.random(in: 0...2, using: &random))
        status.cluster.name = words(&random)
        status.cluster.engine = words(&random)
        for index in status.nodes.indices { scramble(&status.nodes[index], &random) }
        for index in status.shards.indices {
            status.shards[index].canFailOver = Bool.random(using: &random)
            status.shards[index].why = words(&random)
        }
        status.findings = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            FindingDocument(
                code: "x", severity: .error, node: status.nodes.randomElement(using: &random)?.name,
                message: words(&random), hint: words(&random), details: [words(&random)])
        }
        for width in 60...200 { check(status, [words(&random)], width, pages: true) }
    }

    private func check(_ status: StatusDocument, _ waits: [String], _ width: Int, pages hasPages: Bool) {
        let table = StatusTable(status, waits: waits, now: StatusScene.now, width: width).lines
        let pages = status.nodes.prefix(hasPages ? 2 : 0).flatMap {
            NodePage($0, of: status, now: StatusScene.now, width: width).lines
        }
        for line in table + pages where line.columns > width || line.text.columns != line.columns {
            Issue.record("\(width): \(line.text)")
        }
    }

    private func scramble(_ node: inout NodeDocument, _ random: inout Seeded) {
        node.host = words(&random)
        if Bool.random(using: &random) { node.port = Int.random(in: 1...65535, using: &random) }
        node.keys = Int64.random(in: 0...Int64.max, using: &random)
        node.memoryBytes = Int64.random(in: 0...Int64.max, using: &random)
        node.opsPerSecond = Int64.random(in: 0...Int64.max, using: &random)
        node.restarts = Int.random(in: 0...Int.max, using: &random)
        node.slots = (0..<Int.random(in: 0...60, using: &random)).map { "\($0 * 2)" }
        node.process = [.running, .backoff, .starting, .stopped].randomElement(using: &random) ?? .running
        node.lastExit = .init(
            at: StatusScene.ago(Int64.random(in: 0...9_999_999, using: &random)), cause: words(&random))
        node.lastExit?.log = [words(&random), words(&random)]
        node.pendingRestart = [words(&random)]
    }

    private func words(_ random: inout Seeded) -> String {
        let letters: [Character] = [
            "a", "Z", "9", "-", " ", " ", "/", "é", "日", "本", "🙂", "\u{1B}", "\n", "\u{7}", "e\u{301}",
        ]
        return String(
            (0..<Int.random(in: 0...140, using: &random)).map { _ in letters.randomElement(using: &random) ?? "x" })
    }

    @Test func wideCharactersCountAsTwoColumns() {
        #expect("abc".columns == 3 && "日本".columns == 4 && "e\u{301}".columns == 1 && "🙂".columns == 2)
        #expect("日本語".cut(to: 5) == "日本…" && "日本語".cut(to: 4) == "日…" && "abc".cut(to: 3) == "abc")
        #expect("a\u{1B}[2Jb\nc".printable == "a?[2Jb c")
    }
}

/// SplitMix64: the same numbers from the same seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
