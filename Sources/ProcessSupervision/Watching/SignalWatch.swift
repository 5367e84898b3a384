import CProcess
import Glibc
import Synchronization

/// Signals to this process, one after the other, on a thread of their own.
package final class SignalWatch: Sendable {
    /// A signal, and whether a key on the terminal or its end sent it, rather than a process.
    package typealias Handler = @Sendable (_ signal: Int32, _ isOfTerminal: Bool) -> Void

    private let handler: Handler
    private let pipe: Int32
    /// Held while a signal is handled: whoever pauses this knows that none is half-way.
    private let state = Mutex(State())

    private struct State {
        var isPaused = false
        /// The one that finds a signal while this is paused leaves it, and ends.
        var hasThread = true
    }

    /// Where signals wait that were held before anybody watched.
    private static let held = Mutex<Int32?>(nil)

    private init(_ handler: @escaping Handler, pipe: Int32) {
        self.handler = handler
        self.pipe = pipe
    }

    /// From now on these signals no longer end the process, but are given to `handler`. Once in the life of a process.
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

    /// For a program that takes the place of another and was begun with all signals blocked: these wait for `start`, which is
    /// to be given the same, and all others are let in. To be called before there is a second thread.
    ///
    /// - Parameter earlier: the pipe of the program before, with what it had not looked at.
    package static func hold(_ signals: [Int32], repeating earlier: Int32) {
        let pipe = cl_signal_pipe(signals, Int32(signals.count))
        precondition(pipe >= 0, "signals cannot be held, pipe2: \(errorText(errno))")
        cl_signal_repeat(earlier)
        held.withLock { $0 = pipe }
        cl_unblock_signals()
    }

    /// Returns when every signal that was taken is handled; those that come from now on wait in the pipe, which is returned, for
    /// `resume` or for the program that inherits it.
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

    /// False when no more are to be taken here.
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
