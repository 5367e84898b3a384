import ClusterModel
import ControlAPI
import Glibc
import StatusView

/// The terminal that stdout may be.
enum Terminal {
    /// One that pictures can be drawn on.
    static var isThere: Bool {
        guard isatty(STDOUT_FILENO) == 1, let kind = getenv("TERM").map({ String(cString: $0) }) else { return false }
        return !kind.isEmpty && kind != "dumb"
    }

    /// COLUMNS where it is set, as people do for a pager; else what the terminal says; 80 where there is none.
    static var width: Int {
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), columns > 0 { return columns }
        return size?.columns ?? 80
    }

    /// What the terminal says now.
    static var size: Frame.Size? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return Frame.Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000))
    }

    /// `12:34:56`, as the clock on the wall has it here.
    static var clock: String {
        let civil = LocalTime.civil(now.time)
        return [civil.hour, civil.minute, civil.second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
