import ClusterModel
import Glibc
import StatusView
import Synchronization

/// Takes over the whole screen of a terminal, and always restores its contents, the cursor and the input mode. Keys arrive one
/// by one meanwhile; Ctrl-C and Ctrl-Z keep their meaning.
final class Screen: Sendable {
    enum Event: Sendable {
        case quit, up, down, pageUp, pageDown, first, last
        /// The size may have changed.
        case redraw
        /// The deadline has passed.
        case time
        /// The terminal is closed.
        case gone
    }

    private struct State {
        var isTaken = false
        var before: termios?
        /// Events of keys that arrived together.
        var events: [Event] = []
    }

    private let state = Mutex(State())
    private let (wakeReader, wakeWriter): (Int32, Int32)

    /// Alternate screen, no cursor, no line wrapping.
    private static let take = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[H\u{1B}[2J"
    /// A terminal without an alternate screen keeps the last picture, and the shell continues below it.
    private static let giveBack = "\u{1B}[999H\r\n\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no pipe: errno \(errno)")
        (wakeReader, wakeWriter) = (ends[0], ends[1])
    }

    func enter() {
        state.withLock { state in
            guard !state.isTaken else { return }
            state.isTaken = true
            var keys = termios()
            if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &keys) == 0 {
                state.before = keys
                keys.c_lflag &= ~tcflag_t(ICANON | ECHO)
                tcsetattr(STDIN_FILENO, TCSANOW, &keys)
            }
            Output.write(STDOUT_FILENO, Array(Self.take.utf8))
        }
    }

    /// Restores the terminal. `draw` does nothing afterwards.
    func leave() {
        state.withLock { state in
            guard state.isTaken else { return }
            state.isTaken = false
            Output.write(STDOUT_FILENO, Array(Self.giveBack.utf8))
            if var keys = state.before { tcsetattr(STDIN_FILENO, TCSANOW, &keys) }
            state.before = nil
        }
    }

    /// Draws one picture in one write. Returns false if the terminal is closed.
    func draw(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in !state.isTaken || Output.write(STDOUT_FILENO, bytes) }
    }

    /// Suspends the process, as Ctrl-Z does: the shell has its screen until it continues the process.
    func suspend() {
        let wasTaken = state.withLock { $0.isTaken }
        leave()
        // To this thread: a signal to the process may arrive after the next line.
        raise(SIGSTOP)
        if wasTaken { enter() }
        wake()
    }

    /// Makes `next` return, from any thread.
    func wake() {
        var byte: UInt8 = 0
        _ = write(wakeWriter, &byte, 1)
    }

    /// The next thing that happens, or `.time` at `deadline`.
    func next(until deadline: ContinuousClock.Instant) -> Event {
        // Without a terminal of our own, keys belong to another program in the pipeline.
        let hasKeys = state.withLock { $0.before != nil }
        while true {
            if let event = state.withLock({ $0.events.isEmpty ? nil : $0.events.removeFirst() }) { return event }
            var watched = [
                pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
                pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
                pollfd(fd: hasKeys ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            ]
            let left = ContinuousClock.now.duration(to: deadline).inMilliseconds
            guard left > 0 else { return .time }
            let count = poll(&watched, nfds_t(watched.count), Int32(clamping: left + 1))
            if count == 0 { return .time }
            guard count > 0 else { continue }
            if watched[1].revents != 0 { return .gone }
            if watched[0].revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 64)
                _ = read(wakeReader, &bytes, bytes.count)
                return .redraw
            }
            readKeys()
        }
    }

    private func readKeys() {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        let events = count > 0 ? Self.events(bytes.prefix(count)) : [.gone]
        state.withLock { $0.events += events }
    }

    /// The events of keys, as in `less` and `top`. Ignores other keys.
    static func events(_ keys: some Sequence<UInt8>) -> [Event] {
        var rest = String(decoding: Array(keys), as: UTF8.self)[...]
        var events: [Event] = []
        while !rest.isEmpty {
            if let (text, event) = keyboard.first(where: { rest.hasPrefix($0.0) }) {
                events.append(event)
                rest.removeFirst(text.count)
            } else {
                rest.removeFirst()
            }
        }
        return events
    }

    private static let keyboard: [(String, Event)] = [
        ("q", .quit), ("Q", .quit), ("\u{1B}[A", .up), ("\u{1B}OA", .up), ("k", .up), ("\u{1B}[B", .down),
        ("\u{1B}OB", .down), ("j", .down), ("\n", .down), ("\u{1B}[5~", .pageUp), ("b", .pageUp),
        ("\u{1B}[6~", .pageDown), (" ", .pageDown), ("\u{1B}[H", .first), ("\u{1B}OH", .first), ("\u{1B}[1~", .first),
        ("g", .first), ("\u{1B}[F", .last), ("\u{1B}OF", .last), ("\u{1B}[4~", .last), ("G", .last),
    ]
}
