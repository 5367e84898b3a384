import ClusterModel
import ControlAPI
import Planner

/// Events for how long each shard's slots were not served: from the exit of its master, or the last answer that showed it serving,
/// until a master was seen to serve them again.
struct ServingEvents: Sendable {
    private enum State {
        /// No answer yet.
        case unknown
        /// When the question behind the owner's last good answer was sent.
        case serving(lastSeen: Moment)
        case lost(Loss)
    }

    private struct Loss {
        var owner: NodeName
        /// nil if it was lost before this daemon started.
        var since: Moment?
        var lastSeen: Moment?
        var told: Moment
    }

    /// Keyed by the shard's number in the record, because its master changes.
    private var states: [Int: State] = [:]

    /// Whether some shard is known to be unserved.
    var isLost: Bool {
        states.values.contains { state in
            if case .lost = state { true } else { false }
        }
    }

    /// How long a running node may fail to answer: it may be between two connections.
    static let patience = Duration.seconds(1)

    mutating func losses(_ scene: Scene) -> [TimelineEvent] {
        guard !scene.isEnding else { return [] }
        return shards(scene).flatMap { number, owners -> [TimelineEvent] in
            guard let bad = owners.first(where: { !serves($0, scene) }) else { return [] }
            switch states[number] ?? .unknown {
            case .lost: return []
            case .unknown:
                guard wasLostBefore(bad, scene) else { return [] }
                states[number] = .lost(Loss(owner: bad.name, since: nil, lastSeen: nil, told: scene.now))
                return [lost(bad, since: nil, scene)]
            case .serving(let seen):
                let exit = scene.cycle.lastExits[bad.name].flatMap { $0.at >= seen ? $0 : nil }
                guard exit != nil || !isSilent(bad, scene) || scene.now - seen >= Self.patience else { return [] }
                let since = exit?.at ?? seen
                states[number] = .lost(Loss(owner: bad.name, since: since, lastSeen: seen, told: scene.now))
                return [lost(bad, since: since, scene)]
            }
        }
    }

    mutating func gains(_ scene: Scene) -> [TimelineEvent] {
        guard !scene.isEnding else { return [] }
        return shards(scene).flatMap { number, owners -> [TimelineEvent] in
            guard owners.allSatisfy({ serves($0, scene) }), let owner = owners.first,
                let reply = scene.lastReport(owner.name)?.reply
            else { return [] }
            defer { states[number] = .serving(lastSeen: reply.askedAt) }
            guard case .lost(let loss) = states[number] else { return [] }
            return [regained(owner, loss, reply, scene)]
        }
    }

    private func shards(_ scene: Scene) -> [(number: Int, owners: [Assessment.Node])] {
        var owners: [Int: [Assessment.Node]] = [:]
        for shard in scene.assessment.shards {
            guard let name = shard.master, let member = scene.cycle.record?.member(name),
                let node = scene.assessment.node(name)
            else { continue }
            owners[member.shard, default: []].append(node)
        }
        return owners.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Judged by its last answer, even if an effect changed the node since: an old answer is not necessarily wrong.
    private func serves(_ node: Assessment.Node, _ scene: Scene) -> Bool {
        guard let report = scene.lastReport(node.name)?.report else { return false }
        return report.clusterStateOK && !report.loading && report.replication.role == .master
    }

    private func isSilent(_ node: Assessment.Node, _ scene: Scene) -> Bool {
        guard let process = scene.running(node.name) else { return false }
        guard let reply = scene.cycle.seen.replies[node.name], reply.of == process.identity else { return true }
        return !reply.isLife
    }

    /// Whether this daemon adopted running nodes, but did not find the owner of these slots.
    private func wasLostBefore(_ owner: Assessment.Node, _ scene: Scene) -> Bool {
        scene.running(owner.name) == nil && scene.cycle.lastExits[owner.name] == nil && !isBeingAdopted(owner, scene)
            && scene.members.contains { scene.running($0.name)?.adopted == true }
    }

    private func isBeingAdopted(_ owner: Assessment.Node, _ scene: Scene) -> Bool {
        scene.cycle.seen.isUnderWay(.adopt, of: owner.name)
    }

    private func lost(_ owner: Assessment.Node, since: Moment?, _ scene: Scene) -> TimelineEvent {
        let why: String
        if scene.running(owner.name) == nil {
            why =
                scene.cycle.lastExits[owner.name].map { "\(owner.name) \(ExitReason.past($0.reason.cause))" }
                ?? "\(owner.name) is not running"
        } else if case .report(let report)? = scene.cycle.seen.replies[owner.name]?.outcome {
            why = report.loading ? "\(owner.name) is loading its data" : "\(owner.name) reports cluster_state:fail"
        } else if case .answered(let words)? = scene.cycle.seen.replies[owner.name]?.outcome {
            why = "\(owner.name) answers \(words.prefix(60))"
        } else {
            why = "\(owner.name) does not answer"
        }
        return TimelineEvent(
            .servingLost, .error, at: scene.wall, node: owner.name, shard: owner.name,
            "slots \(owner.slots) are not served: \(why)",
            data: ["slots": .texts(owner.slots.texts), "since": .time(since.map { scene.wall(at: $0) })])
    }

    private func regained(
        _ owner: Assessment.Node, _ loss: Loss, _ reply: NodeReply, _ scene: Scene
    ) -> TimelineEvent {
        let refused = loss.since.map { max(.zero, reply.answeredAt - $0) }
        let known = reply.answeredAt - loss.told
        return TimelineEvent(
            .servingRegained, at: scene.wall, node: owner.name, shard: owner.name,
            "slots \(owner.slots) are served again by \(owner.name): "
                + (refused.map { "writes were rejected for \($0.inWords)" }
                    ?? "writes had been rejected since before clusterd started, and for \(known.inWords) after that"),
            data: [
                "slots": .texts(owner.slots.texts), "refusedMs": refused.map { .milliseconds($0) } ?? .null,
                "since": .time(loss.since.map { scene.wall(at: $0) }),
                "lastSeenServing": .time(loss.lastSeen.map { scene.wall(at: $0) }),
                "before": .text(loss.owner),
            ])
    }
}
