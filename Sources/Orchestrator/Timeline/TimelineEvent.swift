import ClusterModel
import ControlAPI
import Planner

/// One entry of the timeline. docs/events.md documents its codes and data.
package struct TimelineEvent: Sendable, Equatable {
    package var code: Code
    package var severity: Finding.Severity
    package var at: WallTime
    package var node: NodeName?
    /// The name of the shard's master.
    package var shard: NodeName?
    package var message: String
    /// The contents of the message, for programs.
    package var data: [String: JSONValue]

    package init(
        _ code: Code, _ severity: Finding.Severity = .info, at: WallTime, node: NodeName? = nil,
        shard: NodeName? = nil, _ message: String, data: [String: JSONValue] = [:]
    ) {
        self.code = code
        self.severity = severity
        self.at = at
        self.node = node
        self.shard = shard
        self.message = message
        self.data = data
    }

    package enum Code: String, Sendable, CaseIterable {
        case daemonStarted = "daemon-started"
        case daemonEnded = "daemon-ended"
        case stopAsked = "stop-asked"
        case detachAsked = "detach-asked"
        case reloaded
        case reloadRefused = "reload-refused"
        case reexecAsked = "reexec-asked"
        case reexecRefused = "reexec-refused"

        case formed
        case portPassedOver = "port-passed-over"
        case portMoved = "port-moved"
        case quarantined
        case preserved
        case quarantineRemoved = "quarantine-removed"

        case reserveMade = "reserve-made"
        case reserveReleased = "reserve-released"

        case nodeStarted = "node-started"
        case nodeAdopted = "node-adopted"
        case nodeStopping = "node-stopping"
        case nodeKilled = "node-killed"
        case nodeContinued = "node-continued"
        case nodeExited = "node-exited"
        case exitExplained = "exit-explained"
        case nodeGone = "node-gone"
        case hostRestarted = "host-restarted"
        case nodeIntroduced = "node-introduced"
        case settingRestored = "setting-restored"
        case attemptFailed = "attempt-failed"

        case successionDecided = "succession-decided"
        case promotionOrdered = "promotion-ordered"
        case handOverOrdered = "hand-over-ordered"
        case promoted
        case demoted
        case inSync = "in-sync"
        case linkLost = "link-lost"

        case slotsMoved = "slots-moved"
        case servingLost = "serving-lost"
        case servingRegained = "serving-regained"
        case stateChanged = "state-changed"
        case ready

        case operationStarted = "operation-started"
        case operationStep = "operation-step"
        case operationResumed = "operation-resumed"
        case operationEnded = "operation-ended"

        case findingAppeared = "finding-appeared"
        case findingCleared = "finding-cleared"
        case eventsLost = "events-lost"
    }
}

extension TimelineEvent {
    package func document(seq: Int64, host: String, cluster: String) -> EventDocument {
        EventDocument(
            at: Timestamp(at), seq: seq, code: code.rawValue, severity: .init(rawValue: severity.rawValue) ?? .info,
            host: host, cluster: cluster, node: node, shard: shard, message: message,
            data: data.isEmpty ? nil : .object(data))
    }
}

extension JSONValue {
    static func integer(_ number: some BinaryInteger) -> JSONValue { .integer(Int64(clamping: number)) }
    static func milliseconds(_ duration: Duration) -> JSONValue { .integer(duration.inMilliseconds) }
    static func text(_ value: (some CustomStringConvertible)?) -> JSONValue {
        value.map { .string($0.description) } ?? .null
    }
    static func optional(_ number: (some BinaryInteger)?) -> JSONValue { number.map { .integer($0) } ?? .null }
    static func texts(_ values: some Sequence<some CustomStringConvertible>) -> JSONValue {
        .array(values.map { .string($0.description) })
    }
    static func time(_ time: WallTime?) -> JSONValue { time.map { .string(Timestamp($0).description) } ?? .null }
}
