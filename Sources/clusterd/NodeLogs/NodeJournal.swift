import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Synchronization
import Systemd

/// Sends the nodes' own log lines on to the journal, so that `journalctl CLUSTERD_NODE=7002` has them beside what clusterd tells
/// of that node. A node writes to its file as ever and knows nothing of this; a thread of its own reads the files, so that neither
/// the loop nor a node waits where the journal does.
final class NodeJournal: Sendable {
    /// How far the logs were read, in the data folder.
    static let fileName = "journal-position.json"

    private struct State {
        var logs: [NodeTails.Log] = []
        var isEnding = false
        var hasEnded = false
    }

    /// Between two looks at files that did not grow.
    private static let pause: useconds_t = 250_000
    /// Between two writings of how far it got: what was sent since is sent again by the next daemon if this one is killed.
    private static let writing = Duration.seconds(5)
    /// For the last lines at the end.
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

    /// Whose logs; told in each turn of the loop.
    func follow(_ logs: [NodeTails.Log]) {
        state.withLock { state in if state.logs != logs { state.logs = logs } }
    }

    func start() {
        var thread = pthread_t()
        let journal = Unmanaged.passRetained(self).toOpaque()
        guard pthread_create(&thread, nil, Self.body, journal) == 0 else {
            // The nodes' logs are files all the same.
            Unmanaged<NodeJournal>.fromOpaque(journal).release()
            return state.withLock { $0.hasEnded = true }
        }
        pthread_detach(thread)
    }

    /// Sends what the nodes said last; no longer than a journal that reads would take for it.
    func finish() async {
        state.withLock { $0.isEnding = true }
        let limit = ContinuousClock.now + Self.patience
        while !state.withLock(\.hasEnded), ContinuousClock.now < limit { try? await Task.sleep(for: .milliseconds(10)) }
    }

    /// After `finish`, where the daemon goes on all the same.
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
        // At once for the first time, so that a daemon that is killed soon leaves a place to go on from.
        var writtenAt = now() - Self.writing
        var tails = NodeTails(written, began: began, wall: { LogZone.wall(of: $0, local: LocalTime.wall) })
        while true {
            // Asked for before the look, so that what was written until then is read by it.
            let (logs, isEnding) = state.withLock { ($0.logs, $0.isEnding) }
            tails.look(at: logs, now: now(), send: send)
            if !logs.isEmpty, isEnding || now() - writtenAt >= Self.writing, tails.positions != written {
                written = tails.positions
                writtenAt = now()
                // Where it cannot be kept, the next daemon sends some lines again.
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
