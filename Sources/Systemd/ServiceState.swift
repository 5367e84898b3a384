import Glibc

/// One assignment of sd_notify(3).
package enum ServiceState: Hashable, Sendable {
    case ready
    case stopping
    /// Must be followed by `.ready` when the reload is done.
    case reloading
    /// One line for `systemctl status`.
    case status(String)
    case watchdog
    /// Extends the timeout for starting or stopping to this long from now.
    case extendTimeout(Duration)
    case mainPID(Int32)
    /// Removes the descriptor with this name from the store.
    case unstore(String)

    var text: String {
        switch self {
        case .ready: "READY=1"
        case .stopping: "STOPPING=1"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds())"
        case .status(let text): "STATUS=\(Self.oneLine(text))"
        case .watchdog: "WATCHDOG=1"
        case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(Self.microseconds(duration))"
        case .mainPID(let pid): "MAINPID=\(pid)"
        case .unstore(let name): "FDSTOREREMOVE=1\nFDNAME=\(name)"
        }
    }

    /// Makes a text safe for one assignment. A newline would start another assignment, and systemd drops datagrams of 4096 bytes or
    /// more (NOTIFY_BUFFER_MAX, src/core/manager.c): truncates a long text at 2048 bytes, between characters.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for character in text {
            let isControl = character.unicodeScalars.contains { $0.properties.generalCategory == .control }
            let next = isControl ? " " : character
            guard line.utf8.count + next.utf8.count <= 2048 else { break }
            line.append(next)
        }
        return line
    }

    /// CLOCK_MONOTONIC, which systemd compares with the time of its reload request.
    private static func monotonicMicroseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    private static func microseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return min(max(0, seconds), 1 << 40) * 1_000_000 + max(0, attoseconds / 1_000_000_000_000)
    }
}
