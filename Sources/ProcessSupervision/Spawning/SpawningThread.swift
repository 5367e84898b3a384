import Glibc
import Synchronization

/// One thread to start processes that end with this one. The kernel watches the thread that forked (prctl(2), PR_SET_PDEATHSIG),
/// and the threads of a pool may end at any time.
package final class SpawningThread: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let bell: (reader: Int32, writer: Int32)

    /// Lives as long as the process: its thread never ends.
    package init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "cannot create the thread that starts processes, pipe: \(errorText(errno))")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        bell = (ends[0], ends[1])
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, Self.body, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "cannot create the thread that starts processes, pthread_create: \(errorText(code))")
        pthread_detach(thread)
    }

    /// Runs work on the thread, after earlier work.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            jobs.withLock { $0.append { continuation.resume(returning: body()) } }
            var byte: UInt8 = 0
            while write(bell.writer, &byte, 1) < 0, errno == EINTR {}
        }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<SpawningThread>.fromOpaque(argument).takeUnretainedValue().work()
    }

    private func work() -> Never {
        var byte: UInt8 = 0
        while true {
            let count = read(bell.reader, &byte, 1)
            precondition(count == 1 || errno == EINTR, "the thread that starts processes lost its pipe")
            guard count == 1 else { continue }
            jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }?()
        }
    }
}
