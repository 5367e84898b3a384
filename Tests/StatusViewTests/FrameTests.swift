import ControlAPI
import StatusView
import Testing

@Suite struct FrameTests {
    private func frame(_ count: Int, top: Int = 0, banner: String? = nil, columns: Int = 40, rows: Int = 10) -> Frame {
        Frame(
            (0..<count).map { Line("line \($0)", .good) }, banner: banner, clock: "12:34:56", top: top,
            size: .init(columns: columns, rows: rows))
    }

    @Test func aFrameThatFitsIsShownCompletely() {
        #expect(frame(3).lines.map(\.text) == ["line 0", "line 1", "line 2", "12:34:56  q quits"])
    }

    @Test func aShortScreenShowsAPartAndItsPosition() {
        let frame = frame(30, top: 5, columns: 80)
        #expect(frame.lines.count == 10 && frame.page == 9 && frame.bottom == 21)
        #expect(frame.lines[0].text == "line 5" && frame.lines[8].text == "line 13")
        #expect(frame.lines[9].text == "12:34:56  lines 6-14 of 30  arrows scroll  q quits")
    }

    @Test func scrollingStopsAtBothEnds() {
        #expect(frame(30, top: 1000).top == 21 && frame(30, top: -3).top == 0 && frame(3, top: 2).top == 0)
    }

    @Test func whileTheDaemonIsDownTheReasonIsOnTopAndTheRestIsFaint() {
        let frame = frame(3, banner: "since 12:00:00: no clusterd answers at ./clusterd-data/control.sock")
        #expect(
            frame.lines.map(\.text).prefix(3) == [
                "since 12:00:00: no clusterd answers at", "  ./clusterd-data/control.sock", "line 0",
            ])
        #expect(frame.lines[0].spans.first?.tone == .bad && frame.lines[2].spans.first?.tone == .faint)
    }

    @Test(arguments: [1, 2, 3, 5, 24], [1, 10, 24, 79])
    func noFrameIsLargerThanTheScreen(rows: Int, columns: Int) {
        for scene in StatusScene.all {
            let lines = StatusTable(scene.status, now: StatusScene.now, width: columns).lines
            for banner in [nil, "clusterd does not answer, and this is a long sentence about it"] {
                let frame = Frame(
                    lines, banner: banner, clock: "12:34:56", top: 3, size: .init(columns: columns, rows: rows))
                #expect(frame.lines.count <= rows && frame.lines.allSatisfy { $0.columns <= columns })
            }
        }
    }

    @Test func aFrameOverwritesThePreviousOneAndErasesItsRest() {
        let bytes = frame(1, columns: 17, rows: 3).bytes(Style(color: false))
        // The last column is full: an erasure there would remove its character.
        #expect(String(decoding: bytes, as: UTF8.self) == "\u{1B}[Hline 0\u{1B}[K\r\n12:34:56  q quits\r\n\u{1B}[J")
        let full = frame(2, columns: 40, rows: 3).bytes(Style(color: false))
        #expect(!String(decoding: full, as: UTF8.self).contains("\u{1B}[J"))
    }

    @Test func changesOfTheLoadAloneAreNotAChange() {
        let before = StatusScene.healthy.status
        var after = before
        after.nodes[2].opsPerSecond = 1
        after.nodes[2].keys = 1
        #expect(after != before && after.withoutLoad == before.withoutLoad)
        after.nodes[2].restarts = 1
        #expect(after.withoutLoad != before.withoutLoad)
    }
}
