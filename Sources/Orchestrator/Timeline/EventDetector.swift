import ClusterModel
import Planner

/// Compares each turn with the previous one and returns the events between them, in order of cause and effect. It decides
/// nothing and uses only what is in a `Cycle`. The terminal and events.jsonl report an incident with these events.
package struct EventDetector: Sendable {
    private var before: Cycle?
    private let forming = FormingEvents()
    private let processes = ProcessEvents()
    private var effects = EffectEvents()
    private var roles = RoleEvents()
    private let slots = SlotEvents()
    private var serving = ServingEvents()
    private let operations = OperationEvents()
    private var health: HealthEvents
    private var findings = FindingEvents()

    package init(began: Moment) { health = HealthEvents(began: began) }

    package mutating func events(_ cycle: Cycle, at now: Moment) -> [TimelineEvent] {
        let scene = Scene(cycle: cycle, before: before, now: now)
        before = cycle
        var events = forming.events(scene)
        events += operations.events(scene)
        events += effects.events(scene)
        events += processes.events(scene)
        events += serving.losses(scene)
        events += roles.events(scene)
        events += slots.events(scene)
        events += serving.gains(scene)
        events += findings.events(scene)
        let isLost = serving.isLost || findings.stands(.slotsUncovered)
        events += health.events(scene, after: events, isLost: isLost)
        // The cause, which happened before this turn's decision, comes before the decision's reaction.
        return events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}

/// One turn and the previous one, with queries that several event sources share.
struct Scene {
    let cycle: Cycle
    let before: Cycle?
    let now: Moment

    var wall: WallTime { cycle.seen.wall }
    var assessment: Assessment { cycle.decision.assessment }
    var members: [Member] { cycle.record?.members ?? [] }
    /// The daemon is stopping the nodes or detaching from them: what is lost then is not an incident.
    var isEnding: Bool { cycle.seen.intent != .run }

    func running(_ node: NodeName) -> NodeProcess.Running? { Self.running(node, cycle) }
    func ranBefore(_ node: NodeName) -> NodeProcess.Running? { before.flatMap { Self.running(node, $0) } }

    /// The last report of the node, however old, if the same process still runs.
    func lastReport(_ node: NodeName) -> (report: NodeReport, reply: NodeReply)? {
        guard let process = running(node), let reply = cycle.seen.replies[node], reply.of == process.identity,
            case .report(let report) = reply.outcome, report.id == cycle.record?.member(node)?.id
        else { return nil }
        return (report, reply)
    }

    /// The exit of a process, if this turn is the first to see it.
    func newExit(_ node: NodeName) -> NodeProcess.Exited? {
        guard let exit = cycle.lastExits[node], before?.lastExits[node]?.at != exit.at else { return nil }
        return exit
    }

    /// The wall-clock time of a past moment.
    func wall(at moment: Moment) -> WallTime {
        WallTime(milliseconds: wall.milliseconds - max(0, (now - moment).inMilliseconds))
    }

    /// The operation in progress on a node.
    func operation(on node: NodeName) -> Operation? {
        cycle.record?.operations.first { $0.ends(node) || $0.starts(node) }
    }

    private static func running(_ node: NodeName, _ cycle: Cycle) -> NodeProcess.Running? {
        guard case .running(let process) = cycle.seen.processes[node] else { return nil }
        return process
    }
}
