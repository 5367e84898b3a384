import CProcess
import Glibc

/// Signals to this process, one after the other, on a thread of their own.
package final class SignalWatch: Sendable {
    /// A signal, and whether a key on the terminal or its end sent it, rather than a process.
    package typealias Handler = @Sendable (_ signal: Int32, _ isOfTerminal: Bool) -> Void

    private let handler: Handler
    private let pipe: Int32

    private init(_ handler: @escaping Handler, pipe: Int32) {
        self.handler = handler
        self.pipe = pipe
    }

    /// From now on these signals no longer end the process, but are given to `handler`. Once in the life of a process.
    package static func start(_ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void) {
        startTellingOrigin(signals) { signal, _ in handler(signal) }
    }

    package static func startTellingOrigin(_ signals: [Int32], _ handler: @escaping Handler) {
        let pipe = cl_signal_pipe(signals, Int32(signals.count))
        precondition(pipe >= 0, "signals cannot be watched, pipe2: \(errorText(errno))")
        var thread = pthread_t()
        let watch = Unmanaged.passRetained(SignalWatch(handler, pipe: pipe)).toOpaque()
        let code = pthread_create(&thread, nil, body, watch)
        precondition(code == 0, "signals cannot be watched, pthread_create: \(errorText(code))")
        pthread_detach(thread)
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let watch = Unmanaged<SignalWatch>.fromOpaque(argument).takeRetainedValue()
        var signal: UInt8 = 0
        while true {
            let count = read(watch.pipe, &signal, 1)
            if count == 1 {
                watch.handler(
                    Int32(signal) & ~CL_SIGNAL_OF_KERNEL, Int32(signal) & CL_SIGNAL_OF_KERNEL != 0)
            }
            if count < 0, errno != EINTR { return nil }
        }
    }
}
