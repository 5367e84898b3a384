import Foundation
import Testing

/// A program on its own terminal, and its output there.
final class PseudoTerminal {
    let process = Process()
    private let master: Int32
    private let slave: Int32
    private let before: [UInt8]
    private var bytes: [UInt8] = []

    init(_ arguments: [String], columns: UInt16 = 80, rows: UInt16 = 24) throws {
        // Like openpty(3), which Swift's Glibc lacks: unlock it, and query its number.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (lock, number): (Int32, Int32) = (0, 0)
        try #require(master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(slave >= 0)
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
        before = Self.modes(slave)
        resize(columns: columns, rows: rows, tell: false)
        process.executableURL = URL(fileURLWithPath: Daemon.program)
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        for name in ["COLUMNS", "NO_COLOR"] { environment[name] = nil }
        environment["TERM"] = "xterm"
        process.environment = environment
        let end = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
        (process.standardInput, process.standardOutput, process.standardError) = (end, end, end)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        close(master)
        close(slave)
    }

    /// All output so far.
    var text: String {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(master, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer.prefix(count)
        }
    }

    /// The lines of the last complete screen, without colour.
    var screen: [String] {
        let frames = text.components(separatedBy: "\u{1B}[H").dropFirst()
        guard let last = frames.last(where: { $0.contains("q quits") }) else { return [] }
        let plain = last.replacing(/\u{1B}\[[0-9;?]*[A-Za-z]/, with: "")
        // The terminal inserts a carriage return before each new line.
        return String(String.UnicodeScalarView(plain.unicodeScalars.filter { $0 != "\r" })).components(
            separatedBy: "\n")
    }

    func press(_ keys: String) { _ = write(master, keys, keys.utf8.count) }

    func resize(columns: UInt16, rows: UInt16, tell: Bool = true) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(slave, UInt(TIOCSWINSZ), &size)
        // Like the kernel does for processes that have it as their controlling terminal.
        if tell { kill(process.processIdentifier, SIGWINCH) }
    }

    /// Whether the terminal settings are restored.
    var isGivenBack: Bool { Self.modes(slave) == before }

    private static func modes(_ descriptor: Int32) -> [UInt8] {
        var modes = termios()
        tcgetattr(descriptor, &modes)
        return withUnsafeBytes(of: modes) { Array($0) }
    }

    func ended() async -> Int32? {
        await eventually(within: .seconds(20)) { [self] in !process.isRunning } ? process.terminationStatus : nil
    }
}
