import Foundation
import Glibc
import ProcessSupervision
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SignalWatchTests {
    @Test func watchedSignalsAreDeliveredInOrderAndDoNotTerminate() async {
        await #expect(processExitsWith: .success) {
            let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
            SignalWatch.start([SIGTERM, SIGHUP]) { continuation.yield($0) }
            // The process receives the signal, whichever of its threads runs the handler: one is handled before the
            // next is sent.
            var told: [Int32] = []
            var arrivals = signals.makeAsyncIterator()
            for signal in [SIGTERM, SIGHUP, SIGTERM] {
                kill(getpid(), signal)
                if let arrived = await arrivals.next() { told.append(arrived) }
            }
            #expect(told == [SIGTERM, SIGHUP, SIGTERM])
        }
    }

    @Test func anUnwatchedSignalTerminatesTheProcess() async {
        await #expect(processExitsWith: .signal(SIGUSR2)) {
            SignalWatch.start([SIGTERM]) { _ in }
            kill(getpid(), SIGUSR2)
            while true { pause() }
        }
    }

    @Test func aStartedProcessDoesNotInheritTheHandlers() async {
        await #expect(processExitsWith: .success) {
            SignalWatch.start([SIGTERM]) { _ in }
            let folder = try Folder()
            let child = try Child(folder.order("/bin/sleep", ["600"]))
            try watch.signal(child.identity, SIGTERM)
            let exit = try await child.exit()
            #expect(exit.signal == SIGTERM)
        }
    }

    @Test func signalsDuringAPauseArePending() async {
        await #expect(processExitsWith: .success) {
            let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
            let watch = SignalWatch.start([SIGTERM, SIGHUP]) { continuation.yield($0) }
            let pipe = watch.pause()
            kill(getpid(), SIGTERM)
            var poller = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
            #expect(poll(&poller, 1, 10_000) == 1)
            watch.resume()
            var arrivals = signals.makeAsyncIterator()
            #expect(await arrivals.next() == SIGTERM)
            kill(getpid(), SIGHUP)
            #expect(await arrivals.next() == SIGHUP)
        }
    }

    @Test func theNextProgramReceivesThePendingSignals() async {
        await #expect(processExitsWith: .success) {
            var earlier: [Int32] = [-1, -1]
            #expect(pipe(&earlier) == 0)
            var byte = UInt8(SIGTERM)
            #expect(write(earlier[1], &byte, 1) == 1)
            close(earlier[1])
            // As exec(2) with all signals blocked leaves it: one signal is pending.
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, nil)
            pthread_kill(pthread_self(), SIGHUP)
            SignalWatch.hold([SIGTERM, SIGHUP], repeating: earlier[0])
            let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
            SignalWatch.start([SIGTERM, SIGHUP]) { continuation.yield($0) }
            var arrivals = signals.makeAsyncIterator()
            #expect(Set([await arrivals.next(), await arrivals.next()]) == [SIGTERM, SIGHUP])
        }
    }
}
