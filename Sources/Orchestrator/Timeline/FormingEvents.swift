import ClusterModel
import Planner

/// Events for the formation of the cluster and for changes of its ports.
struct FormingEvents: Sendable {
    func events(_ scene: Scene) -> [TimelineEvent] {
        // Facts already in the record when the daemon started were reported when they happened.
        guard let before = scene.before, let record = scene.cycle.record else { return [] }
        var events = record.members.flatMap { ports($0, before.record?.member($0.name), scene) }
        if record.stage == .formed, before.record?.stage != .formed { events.append(formed(record, before, scene)) }
        return events
    }

    private func ports(_ member: Member, _ old: Member?, _ scene: Scene) -> [TimelineEvent] {
        if let old, old.ports != member.ports, scene.cycle.record?.stage == .formed {
            return [
                TimelineEvent(
                    .portMoved, .warning, at: scene.wall, node: member.name,
                    "\(member.name) moves to port \(member.ports.client)\(member.portNote.map { ": \($0)" } ?? "")",
                    data: ["from": .integer(old.ports.client), "to": .integer(member.ports.client)])
            ]
        }
        guard let note = member.portNote, old?.portNote != note else { return [] }
        return [
            TimelineEvent(
                .portPassedOver, at: scene.wall, node: member.name, note,
                data: ["took": .integer(member.ports.client)])
        ]
    }

    private func formed(_ record: Record, _ before: Cycle, _ scene: Scene) -> TimelineEvent {
        let shape = record.shape
        // A new cluster is planned before it is formed; an existing one found in the folder is not.
        let isNew = before.record?.stage == .planned
        return TimelineEvent(
            .formed, at: scene.wall,
            "\(record.cluster) \(isNew ? "formed" : "adopted from its existing folder"): "
                + "\(shape.masters) \(shape.masters == 1 ? "master" : "masters") with \(shape.replicas) "
                + "\(shape.replicas == 1 ? "replica" : "replicas") each",
            data: [
                "masters": .integer(shape.masters), "replicas": .integer(shape.replicas), "new": .bool(isNew),
                "nodes": .array(
                    record.members.map {
                        .object([
                            "node": .text($0.name), "id": .text($0.id), "port": .integer($0.ports.client),
                            "shard": .integer($0.shard),
                        ])
                    }),
            ])
    }
}
