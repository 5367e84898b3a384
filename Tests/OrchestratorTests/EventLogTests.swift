import ClusterModel
import ControlAPI
import Synchronization
import Testing

@testable import Orchestrator

/// Numbers continue, no event is lost unnecessarily, and no caller waits.
@Suite struct EventLogTests {
    /// A file in memory, on a disk that may be full.
    private final class Memory: EventStore {
        private let state: Mutex<(lines: [EventLine], isFull: Bool)>

        init(_ lines: [EventLine] = []) { state = Mutex((lines, false)) }

        func append(_ lines: [[UInt8]]) -> String? {
            state.withLock { state in
                if state.isFull { return "No space left on device" }
                state.lines += lines.compactMap { EventLine($0) }
                return nil
            }
        }
        func newest() -> EventDocument? {
            state.withLock { $0.lines.last }.flatMap { try? ControlJSON.decode(EventDocument.self, from: $0.bytes) }
        }
        func lines(_ query: EventQuery, limit: Int) -> [EventLine] {
            state.withLock { Array($0.lines.filter(query.includes).suffix(limit)) }
        }
        func fill(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }
        var numbers: [Int64] { state.withLock { $0.lines.map(\.seq) } }
    }

    private func log(_ store: Memory, isHeld: Bool = false) -> EventLog {
        let log = EventLog(store, host: "127.0.0.1", cluster: "demo") { _ in }
        if !isHeld { log.release() }
        return log
    }

    private func event(_ message: String, _ code: TimelineEvent.Code = .ready, how: String? = nil) -> TimelineEvent {
        TimelineEvent(
            code, at: WallTime(milliseconds: 1_700_000_000_000), message, data: how.map { ["how": .string($0)] } ?? [:])
    }

    private func at(_ seconds: Double) -> Moment { .seconds(seconds) }
    private let wall = WallTime(milliseconds: 1_700_000_000_000)

    @Test func eventNumbersContinueAcrossRestarts() async {
        let store = Memory()
        let first = log(store)
        first.append([event("a"), event("b")], at: at(1), wall: wall)
        await first.close(at: at(2), wall: wall)
        let second = log(store)
        #expect(second.previousEnd == .unclean && second.previous?.seq == 2)
        second.append([event("c", .daemonEnded, how: "detached")], at: at(3), wall: wall)
        await second.close(at: at(4), wall: wall)
        #expect(store.numbers == [1, 2, 3])
        #expect(log(store).previousEnd == .detached)
    }

    @Test func noEventIsWrittenBeforeTheDaemonOwnsTheFolder() async {
        let store = Memory()
        let held = log(store, isHeld: true)
        held.append([event("a")], at: at(1), wall: wall)
        await held.close(at: at(2), wall: wall)
        #expect(store.numbers.isEmpty && held.lines(EventQuery()).map(\.seq) == [1])
        held.release()
        held.append([event("b")], at: at(3), wall: wall)
        await held.close(at: at(4), wall: wall)
        #expect(store.numbers == [1, 2])
    }

    @Test func onAFullDiskEventsStayInMemoryUntilThereIsRoom() async {
        let store = Memory()
        let log = log(store)
        store.fill(true)
        log.append([event("a"), event("b")], at: at(1), wall: wall)
        await log.close(at: at(1), wall: wall)
        #expect(store.numbers.isEmpty && log.lines(EventQuery()).map(\.seq) == [1, 2])
        store.fill(false)
        // No immediate retry, so that a turn costs nothing meanwhile; later a retry without a new event too.
        log.append([], at: at(10), wall: wall)
        await log.close(at: at(10), wall: wall)
        #expect(store.numbers == [1, 2])
    }

    @Test func surplusEventsAreDroppedAndTheirLossReported() async throws {
        let store = Memory()
        let log = log(store)
        store.fill(true)
        log.append([event("first")], at: at(1), wall: wall)
        await log.close(at: at(1), wall: wall)
        let many = EventLog.waitingLimit + 9
        // No retry is due at that moment, so that none is in progress when there is room again.
        for index in 0..<many { log.append([event("\(index)")], at: at(1), wall: wall) }
        store.fill(false)
        await log.close(at: at(20), wall: wall)
        log.append([], at: at(21), wall: wall)
        await log.close(at: at(22), wall: wall)
        let lines = log.lines(EventQuery(count: 1))
        let last = try ControlJSON.decode(EventDocument.self, from: try #require(lines.last).bytes)
        #expect(last.code == "events-lost" && last.data == .object(["count": .integer(10)]))
        #expect(store.numbers.count == EventLog.waitingLimit + 1)
        #expect(zip(store.numbers, store.numbers.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func aFollowerGetsPastAndNewEventsOnceEach() async {
        let store = Memory()
        let log = log(store)
        log.append([event("a"), event("b"), event("c")], at: at(1), wall: wall)
        await log.close(at: at(1), wall: wall)
        let stream = log.follow(EventQuery(count: 2))
        log.append([event("d"), event("e")], at: at(2), wall: wall)
        await log.close(at: at(3), wall: wall)
        var seen: [Int64] = []
        for await bytes in stream { seen += bytes.split(separator: 10).compactMap { EventLine($0)?.seq } }
        #expect(seen == [2, 3, 4, 5])
    }

    @Test func aReconnectedFollowerContinuesAtItsPosition() async {
        let store = Memory()
        let log = log(store)
        log.append((0..<5).map { event("\($0)") }, at: at(1), wall: wall)
        let stream = log.follow(EventQuery(after: 3))
        await log.close(at: at(3), wall: wall)
        var seen: [Int64] = []
        for await bytes in stream { seen += bytes.split(separator: 10).compactMap { EventLine($0)?.seq } }
        #expect(seen == [4, 5])
    }

    @Test func aSlowFollowerIsDisconnected() async {
        let store = Memory()
        let log = log(store)
        let stream = log.follow(EventQuery(count: 0))
        let limit = EventLog.answerLimit + EventLog.followerLimit
        for _ in 0..<(limit / 100 + 2) { log.append((0..<100).map { event("\($0)") }, at: at(1), wall: wall) }
        var count: Int64 = 0
        // Its stream ends automatically, and has no gap.
        for await bytes in stream {
            count += 1
            #expect(EventLine(bytes.dropLast())?.seq == count)
        }
        #expect(count == Int64(limit))
    }

    @Test func aWriteFailureAndItsEndAreReportedOnceEach() async {
        let store = Memory()
        let told = Trouble()
        let log = EventLog(store, host: "127.0.0.1", cluster: "demo") { told.add($0) }
        log.release()
        store.fill(true)
        for second in 1...4 {
            log.append([event("a")], at: at(Double(second * 2)), wall: wall)
            await log.close(at: at(Double(second * 2)), wall: wall)
        }
        store.fill(false)
        await log.close(at: at(20), wall: wall)
        #expect(told.all == ["No space left on device", nil])
    }

    private final class Trouble: Sendable {
        private let said = Mutex<[String?]>([])
        func add(_ words: String?) { said.withLock { $0.append(words) } }
        var all: [String?] { said.withLock { $0 } }
    }
}
