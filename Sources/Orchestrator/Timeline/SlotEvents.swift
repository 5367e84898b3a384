import ClusterModel
import ControlAPI
import Planner

/// Slots that another shard owns now. No operation of clusterd moves slots between shards, so an operator or another program did it.
struct SlotEvents: Sendable {
    func events(_ scene: Scene) -> [TimelineEvent] {
        guard let before = scene.before?.record, let record = scene.cycle.record, before.members != record.members
        else {
            return []
        }
        return record.movedSlots(since: before).map { move in
            let verb = move.slots.count == 1 ? "belongs" : "belong"
            return TimelineEvent(
                .slotsMoved, .warning, at: scene.wall, node: move.to, shard: move.to,
                "slots \(move.slots) \(verb) to \(move.to) now, and before to \(move.from): a command that clusterd did not send moved them; "
                    + "\(move.from) deletes the keys there that were not moved with them",
                data: ["from": .text(move.from), "to": .text(move.to), "slots": .texts(move.slots.texts)])
        }
    }
}
