import ClusterModel
import Glibc

/// The progress of a copy on stderr: one line that is redrawn on a terminal, else a line every ten seconds.
struct CopyProgress {
    /// Keys that are expected; nil: unknown.
    private let total: Int64?
    private let began = ContinuousClock.now
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shown: ContinuousClock.Instant

    init(total: Int64?) {
        self.total = total
        shown = .now
    }

    mutating func show(_ done: Int64) {
        let now = ContinuousClock.now
        guard now - shown >= (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
        shown = now
        let text = "          " + Self.text(done: done, total: total, after: now - began)
        if isTerminal { Output.ask("\r\(text)\u{1B}[K") } else { Output.note(text) }
    }

    /// Leaves the line.
    func finish() {
        if isTerminal { Output.ask("\r\u{1B}[K") }
    }

    /// `1200 of 5000 keys, 600 keys/s, 6.3 s left`.
    static func text(done: Int64, total: Int64?, after time: Duration) -> String {
        let rate = Double(done) / max(0.001, time.inSeconds)
        let speed = "\(Int64(rate)) keys/s"
        guard let total, total >= done else { return "\(done) keys, \(speed)" }
        guard rate >= 1 else { return "\(done) of \(total) keys, \(speed)" }
        let left = Duration.milliseconds(Int64(Double(total - done) / rate * 1000))
        return "\(done) of \(total) keys, \(speed), \(left.inWords) left"
    }
}
