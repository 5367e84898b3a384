import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import StatusView

/// The terminal that stdout may be.
enum Terminal {
    /// Whether stdout is a terminal that supports cursor movement.
    static var isThere: Bool {
        guard isatty(STDOUT_FILENO) == 1, let kind = getenv("TERM").map({ String(cString: $0) }) else { return false }
        return !kind.isEmpty && kind != "dumb"
    }

    /// COLUMNS if it is set, for example for a pager; else the width of the terminal; 80 without a terminal.
    static var width: Int {
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), columns > 0 { return columns }
        return size?.columns ?? 80
    }

    /// The current size of the terminal.
    static var size: Frame.Size? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return Frame.Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    static var now: Timestamp { Timestamp(WallTime.now) }

    /// The local time: `12:34:56`.
    static var clock: String {
        let civil = LocalTime.civil(now.time)
        return [civil.hour, civil.minute, civil.second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
}
