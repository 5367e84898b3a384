import Foundation
import Synchronization

/// Ctrl-C and SIGTERM end the benchmark with everything that it started.
enum Interrupt {
    /// True from the signal on: no child may be started any more.
    private static let isPending = Mutex(false)
    /// From the signal handler, which may do nothing else, to the thread that ends everything.
    private static let wake: (reader: Int32, writer: Int32) = {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }()

    static func endsChildren(of home: String) {
        guard wake.reader >= 0 else { return }
        Thread.detachNewThread {
            var number: UInt8 = 0
            while read(wake.reader, &number, 1) != 1 {}
            isPending.withLock { $0 = true }
            // The daemons first: they would start their nodes again.
            for pid in ProcessFacts.children(of: getpid()) { kill(pid, SIGKILL) }
            ProcessFacts.killAll(in: home)
            try? FileManager.default.removeItem(atPath: home)
            _exit(128 + Int32(number))
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { received in
                var byte = UInt8(truncatingIfNeeded: received)
                _ = write(Interrupt.wake.writer, &byte, 1)
            }
        }
    }

    /// Runs what starts a child or ends the benchmark. Once a signal has come it does not run, and this never returns: the
    /// process ends soon.
    static func unlessPending<Outcome>(_ body: () throws -> Outcome) rethrows -> Outcome {
        try isPending.withLock { isPending in
            while isPending { sleep(1) }
            return try body()
        }
    }
}
