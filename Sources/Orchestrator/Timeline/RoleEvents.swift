import ClusterModel
import ControlAPI
import Planner

/// Events for roles: which replica is chosen to replace a dead master and why, role changes, and synchronization.
struct RoleEvents: Sendable {
    private struct Link: Equatable {
        var process: ProcessIdentity
        var role: Role
        var master: NodeName?
        var inSync: Bool
    }

    private var links: [NodeName: Link] = [:]
    /// When each node last answered while it ran. Its later writes are unknown.
    private var lastHeard: [NodeName: Moment] = [:]
    private var promotions: [NodeName: Effect.Promotion] = [:]
    /// The verdict on each dead master.
    private var verdicts: [NodeName: Verdict] = [:]

    mutating func events(_ scene: Scene) -> [TimelineEvent] {
        var events = verdicts(scene) + choices(scene)
        for member in scene.members {
            guard let (report, reply) = scene.lastReport(member.name), !report.loading else { continue }
            lastHeard[member.name] = reply.askedAt
            let master = report.view.myself?.masterID.flatMap { scene.cycle.record?.member(id: $0)?.name }
            let link = Link(
                process: reply.of, role: report.replication.role, master: master,
                inSync: report.replication.role == .replica && report.replication.linkUp
                    && !report.replication.syncInProgress)
            let old = links.updateValue(link, forKey: member.name).flatMap { $0.process == link.process ? $0 : nil }
            events += change(member, from: old, to: link, report, scene)
        }
        return events
    }

    private mutating func change(
        _ member: Member, from old: Link?, to link: Link, _ report: NodeReport, _ scene: Scene
    ) -> [TimelineEvent] {
        switch (old?.role, link.role) {
        // A replica that was reset is a master without slots: it has not replaced a master.
        case (.replica, .master) where report.view.myself?.slots.isEmpty == true: return []
        // It took its slots from its ghost: it has replaced no node.
        case (.replica, .master) where scene.cycle.record?.ghosts == true && old?.master == nil: return []
        case (.replica, .master): return [promoted(member, old?.master, scene)]
        case (.master, .replica):
            return [
                TimelineEvent(
                    .demoted, at: scene.wall, node: member.name, shard: link.master,
                    "\(member.name) is now a replica of \(link.master?.text ?? "another node")",
                    data: ["of": .text(link.master)])
            ] + (link.inSync ? [inSync(member, link, report, scene)] : [])
        case (_, .replica):
            if link.inSync, old?.inSync != true || old?.master != link.master {
                return [inSync(member, link, report, scene)]
            }
            // The exit of its master is reported separately.
            if old?.inSync == true, !link.inSync, !scene.isEnding, let master = link.master,
                scene.running(master) != nil
            {
                return [
                    TimelineEvent(
                        .linkLost, .warning, at: scene.wall, node: member.name, shard: master,
                        report.replication.syncInProgress
                            ? "\(member.name) is receiving a full synchronization from \(master)"
                            : "\(member.name) lost its replication link to \(master)",
                        data: ["master": .text(master), "syncing": .bool(report.replication.syncInProgress)])
                ]
            }
            return []
        default: return []
        }
    }

    private func inSync(_ member: Member, _ link: Link, _ report: NodeReport, _ scene: Scene) -> TimelineEvent {
        let age = scene.running(member.name).flatMap { $0.adopted ? nil : scene.now - $0.since }
        let offset = report.replication.offset
        return TimelineEvent(
            .inSync, at: scene.wall, node: member.name, shard: link.master,
            "\(member.name) is in sync as a replica of \(link.master?.text ?? "its master")",
            data: [
                "master": .text(link.master), "offset": .integer(offset),
                "afterStartMs": age.map { .milliseconds($0) } ?? .null,
            ])
    }

    // MARK: succession

    /// A repeated verdict on the same exit is not reported again, even after turns without it.
    private mutating func verdicts(_ scene: Scene) -> [TimelineEvent] {
        verdicts = verdicts.filter { scene.running($0.key) == nil }
        return scene.cycle.decision.verdicts.filter { verdict in
            let known = verdicts.updateValue(verdict, forKey: verdict.master)
            return known.map { $0.candidate != verdict.candidate } ?? true
        }.map { verdict in
            TimelineEvent(
                .successionDecided, .warning, at: scene.wall, node: verdict.candidate ?? verdict.master,
                shard: verdict.master,
                verdict.sentence,
                data: [
                    "master": .text(verdict.master), "candidate": .text(verdict.candidate),
                    "why": .string(verdict.why.words),
                    "lagBytes": .optional(verdict.lagBytes),
                ])
        }
    }

    /// Promotions that entered the record in this turn. A retry is not reported again.
    private mutating func choices(_ scene: Scene) -> [TimelineEvent] {
        guard let before = scene.before else {
            for promotion in scene.cycle.record?.promotions ?? [] { promotions[promotion.replica] = promotion }
            return []
        }
        let old = before.record?.promotions ?? []
        return (scene.cycle.record?.promotions ?? []).filter { !old.contains($0) }.compactMap { promotion in
            let earlier = promotions.updateValue(promotion, forKey: promotion.replica)
            let isAgain = promotion.attempt > 1 && earlier?.masterID == promotion.masterID
            return isAgain ? nil : chosen(promotion, scene)
        }
    }

    private func chosen(_ promotion: Effect.Promotion, _ scene: Scene) -> TimelineEvent {
        let shard = scene.cycle.record?.member(promotion.master)?.shard
        let candidates = scene.members.filter { $0.shard == shard && $0.name != promotion.master }
        let heard = candidates.compactMap { member in
            scene.lastReport(member.name).map { (node: member.name, replication: $0.report.replication) }
        }
        let winner = heard.first { $0.node == promotion.replica }?.replication
        let others = heard.filter { $0.node != promotion.replica }
        let why: String
        if others.isEmpty {
            why = candidates.count == 1 ? "its only replica" : "the only one of its replicas that answers"
        } else {
            why =
                "replication offset \(winner?.offset ?? 0); "
                + others.map { "\($0.node) has \($0.replication.offset)" }.joined(separator: ", ")
        }
        var data = loss(promotion, scene)
        data["master"] = .text(promotion.master)
        data["candidates"] = .array(
            candidates.map { member in
                let replication = scene.lastReport(member.name)?.report.replication
                return .object([
                    "node": .text(member.name), "running": .bool(scene.running(member.name) != nil),
                    "offset": .optional(replication?.offset), "history": .text(replication?.replicationID),
                    "linkUp": replication.map { .bool($0.linkUp) } ?? .null,
                    "syncing": replication.map { .bool($0.syncInProgress) } ?? .null,
                ])
            })
        return TimelineEvent(
            .promotionOrdered, at: scene.wall, node: promotion.replica, shard: promotion.master,
            "clusterd chose \(promotion.replica) to take over from \(promotion.master): \(why)", data: data)
    }

    /// How a replica became master: by clusterd's promotion, by a hand-over, or by the nodes' own election or a command that
    /// clusterd did not send.
    private mutating func promoted(_ member: Member, _ from: NodeName?, _ scene: Scene) -> TimelineEvent {
        if let promotion = promotions.removeValue(forKey: member.name) { return promoted(promotion, member, scene) }
        let handedOver = !scene.cycle.seen.effects(.handOver, of: member.name).isEmpty
        let of = from.map { " in place of \($0)" } ?? ""
        return TimelineEvent(
            .promoted, handedOver ? .info : .warning, at: scene.wall, node: member.name, shard: member.name,
            handedOver
                ? "\(member.name) is now master\(of) after a planned failover: no data is lost"
                : "\(member.name) is now master\(of): the nodes elected it, or a command that clusterd did not send promoted it",
            data: [
                "cause": .string(handedOver ? "hand-over" : "not-by-clusterd"), "from": .text(from),
                "mayBeLostBytes": handedOver ? .integer(0) : .null,
            ])
    }

    private func promoted(_ promotion: Effect.Promotion, _ member: Member, _ scene: Scene) -> TimelineEvent {
        var data = loss(promotion, scene)
        data["cause"] = .string("promotion")
        data["from"] = .text(promotion.master)
        let took = scene.cycle.lastExits[promotion.master].map { scene.now - $0.at }
        data["tookMs"] = took.map { .milliseconds($0) } ?? .null
        let words: String
        switch promotion.lagBytes {
        case nil: words = "how far it is behind \(promotion.master) is unknown"
        case 0: words = "it has everything up to \(promotion.master)'s last seen offset\(unseen(promotion, scene))"
        case let bytes?:
            words = "it is \(bytes) bytes behind \(promotion.master)'s last seen offset\(unseen(promotion, scene))"
        }
        return TimelineEvent(
            .promoted, promotion.lagBytes == 0 ? .info : .warning, at: scene.wall, node: member.name,
            shard: member.name,
            "\(member.name) is now master in place of \(promotion.master)"
                + (took.map { ", \($0.inWords) after \(promotion.master) ended" } ?? "") + "; \(words)",
            data: data)
    }

    private func unseenTime(_ promotion: Effect.Promotion, _ scene: Scene) -> Duration? {
        guard let exit = scene.cycle.lastExits[promotion.master], let heard = lastHeard[promotion.master] else {
            return nil
        }
        return max(.zero, exit.at - heard)
    }

    private func unseen(_ promotion: Effect.Promotion, _ scene: Scene) -> String {
        unseenTime(promotion, scene).map {
            "; writes in the last \($0.inWords) before \(promotion.master) ended are unknown"
        } ?? ""
    }

    private func loss(_ promotion: Effect.Promotion, _ scene: Scene) -> [String: JSONValue] {
        [
            "mayBeLostBytes": .optional(promotion.lagBytes),
            "unseenMs": unseenTime(promotion, scene).map { .milliseconds($0) } ?? .null,
            "masterOffset": .optional(scene.cycle.lastExits[promotion.master]?.lastReport?.replication.offset),
            "masterHistory": .text(scene.cycle.lastExits[promotion.master]?.lastReport?.replication.replicationID),
        ]
    }
}
