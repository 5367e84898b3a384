import ClusterModel
import ControlAPI
import Planner

/// Events for slots that another shard now owns although no operation of clusterd moves them: an operator or another program did.
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
                "slots \(move.slots) now \(verb) to \(move.to) instead of \(move.from): a command that clusterd did not send moved them; "
                    + "\(move.from) deletes their keys that were not moved with them",
                data: ["from": .text(move.from), "to": .text(move.to), "slots": .texts(move.slots.texts)])
        }
    }
}
