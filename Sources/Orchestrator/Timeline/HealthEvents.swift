import ClusterModel
import ControlAPI
import Planner

/// Events for the state of the cluster, and for when it becomes ready: first, and again after a disturbance.
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

    /// Running replicas report one by one that they are in sync: until then the cluster does not count as degraded.
    private static let firstLook = Duration.seconds(1)

    /// Disturbances: after one of these, `ready` is reported again.
    private static let unrest: Set<TimelineEvent.Code> = [
        .nodeExited, .nodeStopping, .servingLost, .linkLost, .promoted, .demoted,
    ]

    /// - Parameter isLost: whether some slots are known to be unserved.
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
        // Until the cluster was ready once, or every node was tried, other events report the progress.
        guard scene.assessment.phase == .ready, let new = known(scene.assessment, isLost: isLost), new != state else {
            return []
        }
        if state == nil, new == .degraded, scene.now - began < Self.firstLook { return [] }
        let old = state
        state = new
        // `ready` reports the first look at a healthy cluster.
        if old == nil, new == .ok { return [] }
        let uncovered = SlotSet.slotCount - scene.assessment.slotsCovered
        let (severity, words): (Finding.Severity, String) =
            switch new {
            case .ok: (.info, "ok: every slot is served, with full redundancy")
            case .degraded: (.warning, "degraded: every slot is served, with less redundancy than configured")
            case .down: (.error, "down: \(uncovered) slots are not served")
            }
        return [
            TimelineEvent(
                .stateChanged, severity, at: scene.wall, "the cluster is \(words)",
                data: ["from": .text(old?.rawValue), "to": .text(new.rawValue), "uncovered": .integer(uncovered)])
        ]
    }

    /// An answer from before the last effect is stale, and the assessment counts its slots as not served until the next answer
    /// arrives: that is not an incident. nil means unchanged.
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
            "ready\(readyCount > 1 ? " again" : "") after \(took.inWords): \(masters) \(masters == 1 ? "master" : "masters"), "
                + "\(replicas) \(replicas == 1 ? "replica" : "replicas"); all replicas in sync, all nodes agree",
            data: [
                "tookMs": .milliseconds(took), "masters": .integer(masters), "replicas": .integer(replicas),
                "first": .bool(readyCount == 1),
            ])
    }
}
