import CProcess
import Glibc
import Synchronization

/// Handles signals to this process, one after the other, on a separate thread.
package final class SignalWatch: Sendable {
    /// A signal, and whether the terminal sent it (by a key or a hangup) rather than a process.
    package typealias Handler = @Sendable (_ signal: Int32, _ isOfTerminal: Bool) -> Void

    private let handler: Handler
    private let pipe: Int32
    /// Held while a signal is handled, so that after a pause none is partly handled.
    private let state = Mutex(State())

    private struct State {
        var isPaused = false
        /// A thread that finds a signal during a pause leaves it, and ends.
        var hasThread = true
    }

    /// The pipe with signals that were held before the watch started.
    private static let held = Mutex<Int32?>(nil)

    private init(_ handler: @escaping Handler, pipe: Int32) {
        self.handler = handler
        self.pipe = pipe
    }

    /// Passes these signals to `handler` instead of the default action. May be called once in a process.
    @discardableResult
    package static func start(
        _ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void
    ) -> SignalWatch {
        startTellingOrigin(signals) { signal, _ in handler(signal) }
    }

    @discardableResult
    package static func startTellingOrigin(_ signals: [Int32], _ handler: @escaping Handler) -> SignalWatch {
        let pipe = held.withLock { $0 } ?? cl_signal_pipe(signals, Int32(signals.count))
        precondition(pipe >= 0, "signals cannot be watched, pipe2: \(errorText(errno))")
        let watch = SignalWatch(handler, pipe: pipe)
        watch.begin()
        return watch
    }

    /// For the new program of an upgrade in place, which starts with all signals blocked: holds these signals for `start`, which
    /// must get the same list, and unblocks all others. Must be called before there is a second thread.
    ///
    /// - Parameter earlier: the pipe of the previous program, with unhandled signals.
    package static func hold(_ signals: [Int32], repeating earlier: Int32) {
        let pipe = cl_signal_pipe(signals, Int32(signals.count))
        precondition(pipe >= 0, "signals cannot be held, pipe2: \(errorText(errno))")
        cl_signal_repeat(earlier)
        held.withLock { $0 = pipe }
        cl_unblock_signals()
    }

    /// Returns when every received signal is handled. Later signals wait in the returned pipe, for `resume` or for the program that
    /// inherits it.
    package func pause() -> Int32 {
        state.withLock { $0.isPaused = true }
        return pipe
    }

    package func resume() {
        let needsThread = state.withLock { state in
            defer { state = State() }
            return !state.hasThread
        }
        if needsThread { begin() }
    }

    private func begin() {
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, Self.body, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "signals cannot be watched, pthread_create: \(errorText(code))")
        pthread_detach(thread)
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let watch = Unmanaged<SignalWatch>.fromOpaque(argument).takeRetainedValue()
        while watch.takeNext() {}
        return nil
    }

    /// Returns false when this thread must stop taking signals.
    private func takeNext() -> Bool {
        var poller = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, -1) > 0 else { return errno == EINTR }
        return state.withLock { state in
            guard !state.isPaused else {
                state.hasThread = false
                return false
            }
            var signal: UInt8 = 0
            let count = read(pipe, &signal, 1)
            guard count == 1 else { return count < 0 && errno == EINTR }
            handler(Int32(signal) & ~CL_SIGNAL_OF_KERNEL, Int32(signal) & CL_SIGNAL_OF_KERNEL != 0)
            return true
        }
    }
}
