import ClusterModel
import ControlAPI
import Planner

/// Events for findings that appear and clear. A finding that lasts only a moment, as during a switchover, is not reported. A finding
/// that is absent only for a moment, as while a node in a crash loop runs, has not cleared.
struct FindingEvents: Sendable {
    /// A finding whose message alone changes, as with a number in it, is not reported again.
    private struct Key: Hashable {
        var code: ReasonCode
        var node: NodeName?
        var shard: NodeName?
        var about: Condition.Subject?

        init(_ finding: Finding) {
            code = finding.code
            node = finding.node
            shard = finding.shard
            about = finding.about
        }
    }

    private struct Standing {
        var finding: Finding
        var since: Moment
        var lastSeen: Moment
        /// The severity it was reported with; nil if it has not been reported yet.
        var told: Finding.Severity?
    }

    static let settling = Duration.milliseconds(300)
    static let patience = Duration.seconds(3)

    private var standing: [Key: Standing] = [:]

    mutating func events(_ scene: Scene) -> [TimelineEvent] { events(scene.cycle.decision.findings, scene) }

    mutating func events(_ findings: [Finding], _ scene: Scene) -> [TimelineEvent] {
        var events: [TimelineEvent] = []
        for (key, finding) in Self.distinct(findings) {
            var this = standing[key] ?? Standing(finding: finding, since: scene.now, lastSeen: scene.now)
            this.finding = finding
            this.lastSeen = scene.now
            if this.told != finding.severity, scene.now - this.since >= Self.settling {
                this.told = finding.severity
                events.append(appeared(this, scene))
            }
            standing[key] = this
        }
        // While a cluster is being stopped, findings are not evaluated.
        guard !scene.isEnding else { return events }
        let gone = standing.filter { scene.now - $0.value.lastSeen >= Self.patience }
        for (key, old) in gone.sorted(by: {
            ($0.value.since, $0.key.code.rawValue) < ($1.value.since, $1.key.code.rawValue)
        }) {
            standing[key] = nil
            if old.told != nil { events.append(cleared(old, scene)) }
        }
        // Until a finding is reported, a momentary absence restarts its settling time.
        for (key, this) in standing where this.told == nil && this.lastSeen != scene.now { standing[key] = nil }
        return events
    }

    /// The most severe finding of each key: with two severities in one turn, each would be reported again in every turn.
    private static func distinct(_ findings: [Finding]) -> [(key: Key, finding: Finding)] {
        var places: [Key: Int] = [:]
        var distinct: [(key: Key, finding: Finding)] = []
        for finding in findings {
            let key = Key(finding)
            if let place = places[key] {
                if distinct[place].finding.severity < finding.severity { distinct[place].finding = finding }
            } else {
                places[key] = distinct.count
                distinct.append((key, finding))
            }
        }
        return distinct
    }

    /// Whether it was reported and has not cleared.
    func stands(_ code: ReasonCode) -> Bool { standing.contains { $0.key.code == code && $0.value.told != nil } }

    private func appeared(_ this: Standing, _ scene: Scene) -> TimelineEvent {
        let finding = this.finding
        return TimelineEvent(
            .findingAppeared, finding.severity, at: scene.wall, node: finding.node, shard: finding.shard,
            finding.message,
            data: [
                "finding": .text(finding.code.rawValue), "hint": .text(finding.hint),
                "since": .time(scene.wall(at: this.since)), "details": .texts(finding.details),
            ])
    }

    private func cleared(_ old: Standing, _ scene: Scene) -> TimelineEvent {
        let lasted = old.lastSeen - old.since
        return TimelineEvent(
            .findingCleared, at: scene.wall, node: old.finding.node, shard: old.finding.shard,
            "cleared: \(old.finding.message)",
            data: [
                "finding": .text(old.finding.code.rawValue), "lastedMs": .milliseconds(lasted),
                "lastSeen": .time(scene.wall(at: old.lastSeen)),
            ])
    }
}
