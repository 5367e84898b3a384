import ClusterModel
import ControlAPI
import Planner

/// Events for the nodes' processes: starts, adoptions and exits.
struct ProcessEvents: Sendable {
    func events(_ scene: Scene) -> [TimelineEvent] {
        var events = hostRestarted(scene)
        for member in scene.members {
            if let exit = scene.newExit(member.name) { events.append(exited(member, exit, scene)) }
            if let event = learned(member, scene) { events.append(event) }
            if let event = began(member, scene) { events.append(event) }
        }
        return events
    }

    // MARK: what was learned later

    /// An exit that no daemon observed and that is new in the record; nil in a daemon's first turn.
    private func unseenEnd(_ member: Member, _ scene: Scene) -> NodeEnd? {
        guard let before = scene.before, let end = member.ends?.last,
            scene.cycle.lastExits[member.name]?.identity != end.identity,
            before.record?.member(member.name)?.ends?.last?.identity != end.identity
        else { return nil }
        return end
    }

    private func hostRestarted(_ scene: Scene) -> [TimelineEvent] {
        let boot = scene.cycle.seen.bootID
        let old = scene.members.compactMap { unseenEnd($0, scene)?.identity.bootID }.first { $0 != boot }
        return old.map { old in
            [
                TimelineEvent(
                    .hostRestarted, .warning, at: scene.wall,
                    "the host rebooted since clusterd last ran, which ended every node",
                    data: ["bootBefore": .text(old), "boot": .text(boot)])
            ]
        } ?? []
    }

    private func learned(_ member: Member, _ scene: Scene) -> TimelineEvent? {
        if let end = unseenEnd(member, scene), end.identity.bootID == scene.cycle.seen.bootID {
            return TimelineEvent(
                .nodeGone, .warning, at: scene.wall, node: member.name,
                "\(member.name) (pid \(end.identity.pid)) \(ExitReason.past(end.cause))", data: facts(end))
        }
        guard let end = member.ends?.last, let told = told(member, end, scene), told != end.cause else { return nil }
        return TimelineEvent(
            .exitExplained, .warning, at: scene.wall, node: member.name,
            "\(member.name) (pid \(end.identity.pid)): new information about its exit: it \(ExitReason.past(end.cause))",
            data: facts(end))
    }

    /// The cause that was last reported for this exit.
    private func told(_ member: Member, _ end: NodeEnd, _ scene: Scene) -> String? {
        if let before = scene.before?.record?.member(member.name)?.ends?.last, before.identity == end.identity {
            return before.cause
        }
        return scene.cycle.lastExits[member.name].flatMap { $0.identity == end.identity ? $0.reason.cause : nil }
    }

    private func facts(_ end: NodeEnd) -> [String: JSONValue] {
        [
            "cause": .text(end.cause), "kind": .text(end.kind), "pid": .integer(end.identity.pid),
            "outOfMemory": end.outOfMemory.map { .bool($0) } ?? .null, "log": .texts(end.log),
        ]
    }

    // MARK: what was seen

    private func began(_ member: Member, _ scene: Scene) -> TimelineEvent? {
        guard let process = scene.running(member.name),
            scene.ranBefore(member.name)?.identity != process.identity
        else { return nil }
        var data: [String: JSONValue] = [
            "pid": .integer(process.identity.pid), "port": .integer(member.ports.client),
        ]
        if process.adopted {
            data["startedAt"] = .time(process.startedAt)
            return TimelineEvent(
                .nodeAdopted, at: scene.wall, node: member.name,
                "adopted \(member.name), which was already running (pid \(process.identity.pid))", data: data)
        }
        var since = ""
        if let exit = scene.cycle.lastExits[member.name] {
            let pause = process.since - exit.at
            data["afterExitMs"] = .milliseconds(pause)
            data["failures"] = .integer(exit.failures)
            since = ", \(pause.inWords) after it ended"
        }
        return TimelineEvent(
            .nodeStarted, at: scene.wall, node: member.name,
            "started \(member.name) (pid \(process.identity.pid))\(since)", data: data)
    }

    private func exited(_ member: Member, _ exit: NodeProcess.Exited, _ scene: Scene) -> TimelineEvent {
        let ran = scene.ranBefore(member.name).flatMap { $0.identity == exit.identity ? $0 : nil }
        let known = scene.before?.decision.assessment.node(member.name)
        let slots = known?.slots ?? SlotSet()
        let asked = exit.wasAsked
        let isClean = exit.reason.kind == .clean
        var who: [String] = []
        if let role = exit.lastReport?.replication.role ?? known?.role {
            who.append(slots.isEmpty ? role.rawValue : "\(role.rawValue) of slots \(slots)")
        }
        if let pid = exit.identity?.pid { who.append("pid \(pid)") }
        let lived =
            exit.ran
            ?? ran.map { .milliseconds(max(0, exit.wall.milliseconds - $0.startedAt.milliseconds)) }
        return TimelineEvent(
            .nodeExited, isClean && asked ? .info : slots.isEmpty ? .warning : .error, at: exit.wall,
            node: member.name, shard: shard(of: member, known),
            "\(member.name) (\(who.joined(separator: ", "))) \(ExitReason.past(exit.reason.cause))"
                + (lived.map { " after \($0.inWords)" } ?? "")
                + (asked ? " (requested)" : isClean ? " (unexpected)" : ""),
            data: facts(exit, slots, lived, asked: asked))
    }

    private func shard(of member: Member, _ known: Assessment.Node?) -> NodeName? {
        guard let known else { return nil }
        return known.role == .replica ? known.replicaOf : known.slots.isEmpty ? nil : member.name
    }

    private func facts(
        _ exit: NodeProcess.Exited, _ slots: SlotSet, _ lived: Duration?, asked: Bool
    ) -> [String: JSONValue] {
        var data: [String: JSONValue] = [
            "cause": .text(exit.reason.cause), "kind": .text(exit.reason.kind.name),
            "code": .optional(exit.reason.exit?.code),
            "signal": .optional(exit.reason.exit?.signal), "pid": .optional(exit.identity?.pid),
            "asked": .bool(asked), "failures": .integer(exit.failures), "slots": .texts(slots.texts),
            "uptimeMs": lived.map { .milliseconds($0) } ?? .null,
            "log": .texts(exit.reason.logTail),
        ]
        if exit.reason.exit?.coreDumped == true { data["coreDumped"] = .bool(true) }
        if let isWant = exit.reason.outOfMemory { data["outOfMemory"] = .bool(isWant) }
        if let last = exit.lastReport {
            let (stream, load) = (last.replication, last.load)
            data["role"] = .text(stream.role.rawValue)
            data["offset"] = .integer(stream.offset)
            data["history"] = .text(stream.replicationID)
            data["keys"] = .integer(load.keys)
            data["memoryBytes"] = .integer(load.memoryBytes)
        }
        return data
    }
}
