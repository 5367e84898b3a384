import ClusterModel
import ControlAPI
import Testing

@testable import StatusView

@Suite struct StatusTableTests {
    private func text(_ scene: StatusScene, width: Int) -> String {
        StatusTable(scene.status, waits: scene.waits, now: StatusScene.now, width: width).lines.map(\.text)
            .joined(separator: "\n")
    }

    @Test func widerTerminalsShowMoreColumns() {
        let wide = text(.degraded, width: 160)
        for word in ["UPTIME", "RESTARTS", "PID", "CLIENTS", "LAST EXIT", "killed by SIGSEGV 12s ago", "2h1m"] {
            #expect(wide.contains(word), "\(word)")
        }
    }

    @Test func theLastExitHasALineIfThereIsNoColumnForIt() {
        #expect(text(.degraded, width: 80).contains("\n    last exit: killed by SIGSEGV, 12s ago; 3 restarts\n"))
    }

    @Test func theWorstFindingIsFirst() throws {
        let lines = text(.degraded, width: 80)
        let (error, warning, info) = (lines.range(of: "ERROR"), lines.range(of: "WARNING"), lines.range(of: "INFO"))
        #expect(try #require(error).lowerBound < #require(warning).lowerBound)
        #expect(try #require(warning).lowerBound < #require(info).lowerBound)
    }

    @Test func onlyOpenOperationsAreShown() {
        let lines = text(.paused, width: 80)
        #expect(lines.contains("\noperation 12 restart-node 7005: waiting for 7005 to be in sync with 7002 (1m)"))
        #expect(lines.contains("\noperation 13 rolling-restart: queued (4s)") && !lines.contains("operation 11"))
    }

    @Test func everyNodeIsShownOnceEvenWithoutAShard() {
        var status = StatusScene.healthy.status
        status.shards.removeLast()
        let lines = StatusTable(status, now: StatusScene.now, width: 80).lines.map(\.text)
        for node in status.nodes { #expect(lines.count { $0.contains(node.name.text + " ") } == 1) }
    }

    @Test(arguments: StatusScene.all)
    func colourChangesNoCharacterOfTheText(scene: StatusScene) {
        for line in StatusTable(scene.status, waits: scene.waits, now: StatusScene.now, width: 80).lines {
            let colored = line.rendered(Style(color: true, marks: true))
            #expect(colored.replacing(/\u{1B}\[[0-9;]+m/, with: "") == line.text)
            #expect(!line.rendered(Style(color: false)).contains("\u{1B}"))
        }
    }

    @Test func aNarrowTerminalKeepsNameRoleAndState() {
        let lines = text(.movedPort, width: 30)
        #expect(lines.contains("\n  7004@7006  replica  ok\n") && !lines.contains("SLOTS"))
    }

    @Test func readyIsShownOnlyForAReadyCluster() {
        #expect(text(.healthy, width: 80).hasPrefix("demo  ok  ready  16384/16384"))
        #expect(text(.down, width: 80).hasPrefix("demo  down  10922/16384"))
        #expect(text(.forming, width: 80).hasPrefix("demo  down  forming  0/16384"))
    }

    @Test func aNewFindingIsMarkedButNotOneWithOtherNumbers() {
        var before = StatusScene.degraded.status
        before.findings[1].message = "7004 ended 2 times"
        before.findings.removeLast()
        let table = StatusTable(StatusScene.degraded.status, earlier: [before], now: StatusScene.now, width: 80)
        #expect(table.lines.flatMap(\.spans).filter(\.isMarked).map(\.text) == ["WARNING"])
    }

    @Test func changesAreMarkedButNotThoseOfTheLoad() {
        let before = StatusScene.healthy.status
        var after = before
        after.nodes[0].keys = 99
        after.nodes[0].opsPerSecond = 7
        after.nodes[1].health = .busy
        let table = StatusTable(after, earlier: [after, before], now: StatusScene.now, width: 80)
        #expect(table.lines.flatMap(\.spans).filter(\.isMarked).map(\.text) == ["99", "busy"])
        #expect(Style(color: false, marks: true).paint(Span("99", isMarked: true)) == "\u{1B}[7m99\u{1B}[0m")
        #expect(
            StatusTable(after, earlier: [after], now: StatusScene.now, width: 80).lines.flatMap(\.spans)
                .allSatisfy { !$0.isMarked })
    }
}
