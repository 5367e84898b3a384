import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Synchronization
import Systemd

/// Forwards the log lines of the nodes to the journal, so that `journalctl CLUSTERD_NODE=7002` shows them together with
/// clusterd's events of that node. Nodes write to their files as usual. A separate thread reads the files, so that neither the
/// loop nor a node waits for a slow journal.
final class NodeJournal: Sendable {
    /// The file in the data folder with the positions up to which the logs were read.
    static let fileName = "journal-position.json"

    private struct State {
        var logs: [NodeTails.Log] = []
        var isEnding = false
        var hasEnded = false
    }

    /// The interval between reads while no file grows.
    private static let pause: useconds_t = 250_000
    /// The interval between saves of the positions. If the daemon is killed, the next one sends later lines again.
    private static let writing = Duration.seconds(5)
    /// How long to wait for the last lines at the end.
    private static let patience = Duration.seconds(2)

    private let state = Mutex(State())
    private let path: String
    private let began: WallTime
    private let now: @Sendable () -> Moment
    private let send: @Sendable (NodeLogEntry) -> Void

    init(
        _ dataDirectory: String, began: WallTime, now: @escaping @Sendable () -> Moment,
        send: @escaping @Sendable (NodeLogEntry) -> Void
    ) {
        path = "\(dataDirectory)/\(Self.fileName)"
        self.began = began
        self.now = now
        self.send = send
    }

    /// Sets the logs to follow. Called in each turn of the loop.
    func follow(_ logs: [NodeTails.Log]) {
        state.withLock { state in if state.logs != logs { state.logs = logs } }
    }

    func start() {
        var thread = pthread_t()
        let journal = Unmanaged.passRetained(self).toOpaque()
        guard pthread_create(&thread, nil, Self.body, journal) == 0 else {
            // The lines remain in the log files.
            Unmanaged<NodeJournal>.fromOpaque(journal).release()
            return state.withLock { $0.hasEnded = true }
        }
        pthread_detach(thread)
    }

    /// Sends the last lines of the nodes, for no longer than a responsive journal needs.
    func finish() async {
        state.withLock { $0.isEnding = true }
        let limit = ContinuousClock.now + Self.patience
        while !state.withLock(\.hasEnded), ContinuousClock.now < limit { try? await Task.sleep(for: .milliseconds(10)) }
    }

    /// Continues after `finish`, if the daemon does not exit after all.
    func resume() {
        state.withLock { ($0.isEnding, $0.hasEnded) = (false, false) }
        start()
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<NodeJournal>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }

    private func run() {
        let known = (try? readFile(path, limit: 1 << 20)).flatMap {
            try? ControlJSON.decode(NodeTails.Positions.self, from: $0)
        }
        var written = known ?? NodeTails.Positions()
        // The first save is immediate, so that a daemon that is killed soon leaves a position to continue from.
        var writtenAt = now() - Self.writing
        var tails = NodeTails(written, began: began, wall: { LogZone.wall(of: $0, local: LocalTime.wall) })
        while true {
            // Read before the logs, so that everything written until now is included.
            let (logs, isEnding) = state.withLock { ($0.logs, $0.isEnding) }
            tails.look(at: logs, now: now(), send: send)
            if !logs.isEmpty, isEnding || now() - writtenAt >= Self.writing, tails.positions != written {
                written = tails.positions
                writtenAt = now()
                // If the save fails, the next daemon sends some lines again.
                if let bytes = try? ControlJSON.encode(written) { try? writeDurably(bytes, to: path, mode: 0o600) }
            }
            if isEnding { return state.withLock { $0.hasEnded = true } }
            usleep(Self.pause)
        }
    }
}

extension Journal {
    func send(_ entry: NodeLogEntry, cluster: String) {
        let priority: Priority =
            switch entry.level {
            case .debug: .debug
            case .verbose: .info
            case .notice: .notice
            case .warning: .warning
            }
        var fields = [
            ("SYSLOG_IDENTIFIER", "redis-\(entry.node)"), ("CLUSTERD_NODE", entry.node.description),
            ("CLUSTERD_CLUSTER", cluster),
        ]
        if let pid = entry.pid { fields.append(("SYSLOG_PID", pid)) }
        send(entry.text, priority, fields: fields)
    }
}
