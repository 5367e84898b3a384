import ClusterModel
import ControlAPI
import Planner

/// The state of the whole, and when it is ready: first, and again after something disturbed it.
struct HealthEvents: Sendable {
    private var state: Assessment.State?
    private let began: Moment
    private var unrestSince: Moment
    private var readyCount = 0
    private var isReadyTold = false

    init(began: Moment) {
        self.began = began
        unrestSince = began
    }

    /// Replicas that run already say one after the other that they are in sync: no cluster is degraded by that.
    private static let firstLook = Duration.seconds(1)

    /// After these the cluster is not what it was, and ready is said anew.
    private static let unrest: Set<TimelineEvent.Code> = [
        .nodeExited, .nodeStopping, .servingLost, .linkLost, .promoted, .demoted,
    ]

    /// - Parameter isLost: whether some slots are known not to be served.
    mutating func events(_ scene: Scene, after others: [TimelineEvent], isLost: Bool) -> [TimelineEvent] {
        guard !scene.isEnding else { return [] }
        var events = stateChange(scene, isLost: isLost)
        if others.contains(where: { Self.unrest.contains($0.code) }) {
            if isReadyTold { unrestSince = scene.now }
            isReadyTold = false
        } else if scene.assessment.ready, !isReadyTold {
            isReadyTold = true
            readyCount += 1
            events.append(ready(scene))
        }
        return events
    }

    private mutating func stateChange(_ scene: Scene, isLost: Bool) -> [TimelineEvent] {
        // Before it was ready once, or every node was tried, the way there is told elsewhere.
        guard scene.assessment.phase == .ready, let new = known(scene.assessment, isLost: isLost), new != state else {
            return []
        }
        if state == nil, new == .degraded, scene.now - began < Self.firstLook { return [] }
        let old = state
        state = new
        // The first look at a cluster that is as it should be is told by `ready`.
        if old == nil, new == .ok { return [] }
        let uncovered = SlotSet.slotCount - scene.assessment.slotsCovered
        let (severity, words): (Finding.Severity, String) =
            switch new {
            case .ok: (.info, "ok: every slot is served, with full redundancy")
            case .degraded: (.warning, "degraded: every slot is served, with less redundancy than wanted")
            case .down: (.error, "down: \(uncovered) slots are not served")
            }
        return [
            TimelineEvent(
                .stateChanged, severity, at: scene.wall, "the cluster is \(words)",
                data: ["from": .text(old?.rawValue), "to": .text(new.rawValue), "uncovered": .integer(uncovered)])
        ]
    }

    /// An answer that something was done after says nothing of now, and the assessment calls its slots not served until the
    /// next one: that is no incident. nil: as before.
    private func known(_ assessment: Assessment, isLost: Bool) -> Assessment.State? {
        if isLost { return .down }
        return assessment.state == .down ? nil : assessment.state
    }

    private func ready(_ scene: Scene) -> TimelineEvent {
        let masters = scene.assessment.nodes.count { $0.role == .master }
        let replicas = scene.assessment.nodes.count { $0.role == .replica }
        let took = scene.now - unrestSince
        return TimelineEvent(
            .ready, at: scene.wall,
            "ready\(readyCount > 1 ? " again" : ""): \(masters) \(masters == 1 ? "master" : "masters"), "
                + "\(replicas) \(replicas == 1 ? "replica" : "replicas"), all in sync and of one mind, after \(took.inWords)",
            data: [
                "tookMs": .milliseconds(took), "masters": .integer(masters), "replicas": .integer(replicas),
                "first": .bool(readyCount == 1),
            ])
    }
}
