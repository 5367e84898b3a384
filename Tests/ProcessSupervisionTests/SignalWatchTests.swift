import Foundation
import Glibc
import ProcessSupervision
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SignalWatchTests {
    @Test func watchedSignalsAreToldInOrderAndEndNothing() async {
        await #expect(processExitsWith: .success) {
            let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
            SignalWatch.start([SIGTERM, SIGHUP]) { continuation.yield($0) }
            // The process is the receiver, whichever thread of it runs the handler: one is told before the next is sent.
            var told: [Int32] = []
            var arrivals = signals.makeAsyncIterator()
            for signal in [SIGTERM, SIGHUP, SIGTERM] {
                kill(getpid(), signal)
                if let arrived = await arrivals.next() { told.append(arrived) }
            }
            #expect(told == [SIGTERM, SIGHUP, SIGTERM])
        }
    }

    @Test func aSignalThatIsNotWatchedEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGUSR2)) {
            SignalWatch.start([SIGTERM]) { _ in }
            kill(getpid(), SIGUSR2)
            while true { pause() }
        }
    }

    @Test func aStartedProcessDoesNotKeepTheHandlers() async {
        await #expect(processExitsWith: .success) {
            SignalWatch.start([SIGTERM]) { _ in }
            let folder = try Folder()
            let child = try Child(folder.order("/bin/sleep", ["600"]))
            try watch.signal(child.identity, SIGTERM)
            let exit = try await child.exit()
            #expect(exit.signal == SIGTERM)
        }
    }
}
