import ClusterModel
import ControlAPI
import ControlServer
import Glibc
import HostDriver
import Orchestrator
import Planner
import Systemd

/// Keeps the timeline: the events of the loop, and those that only the daemon around it knows: its own start and end, and the
/// origin of each request.
struct Timeline: Sendable {
    let log: EventLog
    private let driver: HostDriver
    /// Receives each event too, if standard error is the journal.
    private let journal: Journal?
    private let cluster: String

    init(_ log: EventLog, driver: HostDriver, journal: Journal?, cluster: String) {
        self.log = log
        self.driver = driver
        self.journal = journal
        self.cluster = cluster
    }

    func turn(_ cycle: Cycle, _ events: [TimelineEvent]) {
        // A folder that turns out to hold something else stays unchanged.
        if cycle.record != nil { log.release() }
        keep(events)
    }

    private func keep(_ events: [TimelineEvent]) {
        log.append(events, at: driver.now(), wall: driver.wall())
        for event in events { journal?.send(event, cluster: cluster) }
    }

    private func tell(
        _ code: TimelineEvent.Code, _ message: String, _ data: [String: JSONValue], severity: Finding.Severity = .info
    ) {
        let event = TimelineEvent(code, severity, at: driver.wall(), message, data: data)
        keep([event])
    }

    func began(_ mode: Daemon.Mode, _ identity: DaemonIdentity, engine: Engine, replacing before: String?) {
        var words = ""
        if log.previousEnd == .unclean, let last = log.previous {
            words = "; the previous daemon exited uncleanly after event \(last.seq), of \(last.at)"
        }
        let begins = before.map { "takes over in place from \($0)" } ?? "starts"
        tell(
            .daemonStarted, "clusterd \(identity.version) \(begins) (pid \(identity.pid))\(words)",
            [
                "pid": .integer(Int64(identity.pid)), "version": .string(identity.version),
                "engine": .string(engine.description), "command": .string(mode.rawValue),
                "hostname": .string(Self.hostname), "before": .string(log.previousEnd.rawValue),
            ], severity: log.previousEnd == .unclean ? .warning : .info)
    }

    /// Writes the last event. Returns when it is in the file, or cannot be written.
    func ended(_ end: Decision.End, intent: Observation.DaemonIntent) async {
        func how(_ end: EventLog.PreviousEnd) -> [String: JSONValue] {
            ["how": .string(end.rawValue), "exit": .integer(0)]
        }
        switch (end, intent) {
        case (.refused(let refusal), _):
            tell(
                .daemonEnded, "clusterd exits: \(refusal.message)",
                how(.refused).merging(
                    [
                        "code": .string(refusal.code), "exit": .integer(Int64(refusal.exit)),
                        "why": .string(refusal.message), "hint": refusal.hint.map(JSONValue.string) ?? .null,
                    ], uniquingKeysWith: { $1 }),
                severity: .error)
        case (.done, .detach), (.done, .makeWay):
            tell(.daemonEnded, "clusterd exits and leaves the nodes running", how(.detached))
        case (.done, _):
            tell(.daemonEnded, "clusterd exits: all nodes are stopped", how(.stopped))
        }
        await log.close(at: driver.now(), wall: driver.wall(), limit: .seconds(5))
    }

    // MARK: requests

    func stopAsked(by who: RequestOrigin, kill: Bool = false) {
        tell(
            .stopAsked, "stop of all nodes requested by \(who)\(kill ? "; nodes that still run are killed" : "")",
            ["by": who.data, "kill": .bool(kill)], severity: kill ? .warning : .info)
    }

    func detachAsked(by who: RequestOrigin) {
        tell(.detachAsked, "detach requested by \(who): clusterd exits and leaves the nodes running", ["by": who.data])
    }

    func quarantineRemoved(_ folder: String, bytes: Int64, by who: RequestOrigin) {
        tell(
            .quarantineRemoved, "\(who) deletes quarantine/\(folder)",
            ["folder": .string(folder), "bytes": .integer(bytes), "by": who.data], severity: .warning)
    }

    func reloaded(by who: RequestOrigin, _ failure: Failure?) {
        guard let failure else {
            return tell(.reloaded, "configuration reloaded (requested by \(who))", ["by": who.data])
        }
        tell(
            .reloadRefused,
            "configuration reload requested by \(who) failed, nothing was changed: \(failure.message)",
            ["by": who.data, "code": .string(failure.code)], severity: .warning)
    }

    func reexecAsked(by who: RequestOrigin, _ program: String, _ version: String) {
        tell(
            .reexecAsked, "upgrade of clusterd in place to \(version) (\(program)) requested by \(who)",
            ["by": who.data, "program": .string(program), "version": .string(version)])
    }

    func reexecRefused(by who: RequestOrigin, _ failure: Failure) {
        tell(
            .reexecRefused,
            "upgrade of clusterd in place requested by \(who) failed, nothing was changed: \(failure.message)",
            ["by": who.data, "code": .string(failure.code)], severity: .warning)
    }

    /// Writes the last event of this program. Returns when it is in the file, or cannot be written.
    func makesWay(for version: String) async {
        tell(
            .daemonEnded, "clusterd is replaced in place by version \(version)",
            ["how": .string(EventLog.PreviousEnd.replaced.rawValue), "exit": .null])
        let limit = driver.now() + .seconds(2)
        while !log.isAtRest, driver.now() < limit { try? await Task.sleep(for: .milliseconds(2)) }
    }

    private static var hostname: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The origin of a request. Of a signal, only the name is known.
enum RequestOrigin: CustomStringConvertible, Sendable {
    case signal(String)
    /// nil: the kernel does not report the peer.
    case peer(Peer?)

    var description: String {
        switch self {
        case .signal(let name): name
        case .peer(let peer): peer.map { "user \($0.uid) (process \($0.pid))" } ?? "an unknown process"
        }
    }

    var data: JSONValue {
        switch self {
        case .signal(let name): .object(["signal": .string(name)])
        case .peer(nil): .null
        case .peer(let peer?): .object(["uid": .integer(Int64(peer.uid)), "pid": .integer(Int64(peer.pid))])
        }
    }
}

extension Journal {
    fileprivate func send(_ event: TimelineEvent, cluster: String) {
        let priority: Priority =
            switch event.severity {
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        var fields = [
            ("MESSAGE_ID", event.code.messageID), ("CLUSTERD_EVENT", event.code.rawValue),
            ("CLUSTERD_CLUSTER", cluster),
        ]
        if let node = event.node { fields.append(("CLUSTERD_NODE", node.description)) }
        if let shard = event.shard { fields.append(("CLUSTERD_SHARD", shard.description)) }
        send(event.message, priority, fields: fields)
    }
}
