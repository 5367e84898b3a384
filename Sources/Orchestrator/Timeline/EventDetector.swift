import ClusterModel
import Planner

/// Tells what happened: compares each turn with the one before, and gives the events between them, in the order of cause
/// and effect. It decides nothing, and knows nothing that is not in a `Cycle`; what people and programs are told of an
/// incident, in the terminal and in events.jsonl, comes from here.
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
        // What ended the turn before this one's decision comes before what the decision did about it.
        return events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}

/// One turn, and the one before; what several stories ask of them.
struct Scene {
    let cycle: Cycle
    let before: Cycle?
    let now: Moment

    var wall: WallTime { cycle.seen.wall }
    var assessment: Assessment { cycle.decision.assessment }
    var members: [Member] { cycle.record?.members ?? [] }
    /// On purpose the nodes end, or are left alone: what is then lost is no incident.
    var isEnding: Bool { cycle.seen.intent != .run }

    func running(_ node: NodeName) -> NodeProcess.Running? { Self.running(node, cycle) }
    func ranBefore(_ node: NodeName) -> NodeProcess.Running? { before.flatMap { Self.running(node, $0) } }

    /// What the node last said, however old, if it is still the process that said it.
    func lastReport(_ node: NodeName) -> (report: NodeReport, reply: NodeReply)? {
        guard let process = running(node), let reply = cycle.seen.replies[node], reply.of == process.identity,
            case .report(let report) = reply.outcome, report.id == cycle.record?.member(node)?.id
        else { return nil }
        return (report, reply)
    }

    /// The end of a process that was seen in this turn for the first time.
    func newExit(_ node: NodeName) -> NodeProcess.Exited? {
        guard let exit = cycle.lastExits[node], before?.lastExits[node]?.at != exit.at else { return nil }
        return exit
    }

    /// The wall clock at a moment that has passed.
    func wall(at moment: Moment) -> WallTime {
        WallTime(milliseconds: wall.milliseconds - max(0, (now - moment).inMilliseconds))
    }

    /// The operation that is under way on a node.
    func operation(on node: NodeName) -> Operation? {
        cycle.record?.operations.first { $0.ends(node) || $0.starts(node) }
    }

    private static func running(_ node: NodeName, _ cycle: Cycle) -> NodeProcess.Running? {
        guard case .running(let process) = cycle.seen.processes[node] else { return nil }
        return process
    }
}
