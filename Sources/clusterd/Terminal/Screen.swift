import ClusterModel
import Glibc
import StatusView
import Synchronization

/// The whole screen of a terminal, taken for a while and always given back: the picture that was there before, the cursor,
/// and the keys' usual meaning. Keys come one by one meanwhile; Ctrl-C and Ctrl-Z stay what they are.
final class Screen: Sendable {
    enum Event: Sendable {
        case quit, up, down, pageUp, pageDown, first, last
        /// The size may be another.
        case redraw
        /// The time is over.
        case time
        /// Nobody looks any more.
        case gone
    }

    private struct State {
        var isTaken = false
        var before: termios?
        /// Of keys that came together.
        var events: [Event] = []
    }

    private let state = Mutex(State())
    private let (wakeReader, wakeWriter): (Int32, Int32)

    /// Alternate screen, no cursor, no line broken by the terminal.
    private static let take = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[H\u{1B}[2J"
    /// A terminal that has one screen only keeps the last picture, and the shell goes on beneath it.
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

    /// Nothing is drawn afterwards.
    func leave() {
        state.withLock { state in
            guard state.isTaken else { return }
            state.isTaken = false
            Output.write(STDOUT_FILENO, Array(Self.giveBack.utf8))
            if var keys = state.before { tcsetattr(STDIN_FILENO, TCSANOW, &keys) }
            state.before = nil
        }
    }

    /// One picture in one write; false: nobody sees it.
    func draw(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in !state.isTaken || Output.write(STDOUT_FILENO, bytes) }
    }

    /// As Ctrl-Z wants it: the shell gets its screen, until it lets us go on.
    func suspend() {
        let wasTaken = state.withLock { $0.isTaken }
        leave()
        // To this thread: what is sent to the process may reach it after the next line.
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
        // Keys that are not ours are another program's in the pipe.
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

    /// What keys mean, as `less` and `top` have them; what is none of ours means nothing.
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
