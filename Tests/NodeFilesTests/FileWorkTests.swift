import ClusterModel
import Dispatch
import Glibc
import NodeFiles
import Synchronization
import Testing

/// A gate that a test opens: a job that waits for it stands for a disk that does not respond.
private final class Gate: Sendable {
    private let isOpen = DispatchSemaphore(value: 0)
    let passed = Mutex<[String]>([])

    func open() { isOpen.signal() }
    func pass(_ name: String) -> String {
        isOpen.wait()
        isOpen.signal()
        passed.withLock { $0.append(name) }
        return name
    }
}

@Suite struct FileWorkTests {
    private func order(_ lane: String) -> FileWork.Order {
        .init(lane, "writing", "/data/\(lane)", patience: .milliseconds(10))
    }

    @Test func aHungJobIsAbandonedAndReportedAndBlocksNoOtherLane() async {
        let (files, gate) = (FileWork(), Gate())
        #expect(await files.run(order("a"), limit: .milliseconds(30)) { gate.pass("first") } == nil)
        #expect(files.overdue.map(\.path) == ["/data/a"])
        #expect(await files.run(order("b"), limit: .seconds(60)) { "other" } == "other")
        gate.open()
        #expect(await files.run(order("a"), limit: nil) { "after" } == "after")
        #expect(await files.settle(within: .seconds(60)) == nil)
        #expect(files.overdue.isEmpty)
    }

    @Test func anUpgradeInPlaceNamesTheJobsThatBlockIt() async {
        let (files, gate) = (FileWork(), Gate())
        _ = await files.run(order("a"), limit: .milliseconds(1)) { gate.pass("first") }
        #expect(await files.settle(within: .milliseconds(20))?.path == "/data/a")
        gate.open()
        #expect(await files.settle(within: .seconds(60)) == nil)
    }

    /// Ordered at each moment, also while the thread of the previous job is about to end.
    @Test func eachJobRunsOnceAndJobsOfALaneNeverOverlap() async {
        struct Runs {
            var counts = [Int](repeating: 0, count: 60_000)
            var underWay = 0
            var most = 0
        }
        let files = FileWork()
        let runs = Mutex(Runs())
        let jobs = runs.withLock { $0.counts.count }
        for number in 0..<jobs {
            files.begin(order("a")) {
                runs.withLock { runs in
                    runs.counts[number] += 1
                    runs.underWay += 1
                    runs.most = max(runs.most, runs.underWay)
                }
                runs.withLock { $0.underWay -= 1 }
            }
            // Some jobs wait in the lane, and some find it empty.
            if number % 3 == 0 { while files.count(in: "a") > 0 { sched_yield() } }
        }
        #expect(await files.run(order("a"), limit: nil) { true } == true)
        #expect(runs.withLock { $0.counts.allSatisfy { $0 == 1 } && $0.most == 1 })
    }

    @Test func noJobsPileUpBehindAHungJob() async {
        let (files, gate) = (FileWork(), Gate())
        for _ in 0..<100 { _ = await files.run(order("a"), limit: .milliseconds(1)) { gate.pass("write") } }
        #expect(files.count(in: "a") == 1)
        gate.open()
        #expect(await files.settle(within: .seconds(60)) == nil)
        #expect(gate.passed.withLock { $0 } == ["write"])
    }

    @Test func jobsRunAfterALateJobAndAJobAbandonedBeforeItsStartNeverRuns() async {
        let (files, gate) = (FileWork(), Gate())
        _ = await files.run(
            order("a"), limit: .milliseconds(30),
            whenLate: { (_: String) in gate.passed.withLock { $0.append("late") } }
        ) {
            gate.pass("first")
        }
        // Behind a hung job no further job waits.
        #expect(await files.run(order("a"), limit: .milliseconds(30)) { gate.pass("given up") } == nil)
        gate.open()
        #expect(await files.run(order("a"), limit: nil) { gate.pass("last") } == "last")
        #expect(gate.passed.withLock { $0 } == ["first", "late", "last"])
    }
}
