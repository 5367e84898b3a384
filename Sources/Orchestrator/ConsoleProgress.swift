import ClusterModel
import Planner

/// The output of `up` and `run`: the counts on the way to ready, and those timeline events that matter at a terminal, one line
/// each.
package struct ConsoleProgress: Sendable {
    private var said = Set<String>()
    private var covered = false
    private var readySaid = false
    private let began: Moment

    package init(began: Moment) { self.began = began }

    /// The new lines, without newlines; each begins with a word in a column of ten characters.
    package mutating func lines(_ cycle: Cycle, _ events: [TimelineEvent], at now: Moment) -> [String] {
        let told = events.flatMap { tell($0, cycle) }
        guard let record = cycle.record else { return told }
        var lines: [String] = []
        let assessment = cycle.decision.assessment
        if record.stage == .formed || assessment.phase == .forming, !record.members.isEmpty,
            said.insert("ports").inserted
        {
            lines += column("ports", Self.short(record.members.map(\.ports.client)))
            for member in record.members {
                if let note = member.portNote { lines += column("", note) }
            }
        }
        let progress = assessment.progress
        if record.stage == .formed, assessment.phase != .stopping, !readySaid, progress.wanted > 0 {
            if isComplete("start", progress.started, progress.wanted) {
                lines += started(cycle, progress)
            }
            if progress.started == progress.wanted, isComplete("join", progress.agreeing, progress.wanted) {
                lines += column("join", "\(progress.agreeing)/\(progress.wanted) nodes agree")
            }
            if progress.replicas > 0, progress.agreeing == progress.wanted,
                isComplete("replicas", progress.replicasInSync, progress.replicas)
            {
                lines += column("replicas", "\(progress.replicasInSync)/\(progress.replicas) in sync")
            }
        }
        if assessment.slotsCovered == SlotSet.slotCount, assessment.progress.agreeing == assessment.progress.wanted,
            !covered
        {
            covered = true
            lines.append("[OK] All 16384 slots covered.")
        }
        if assessment.ready, !readySaid {
            readySaid = true
            let tenths = (now - began).inMilliseconds / 100
            let masters = assessment.nodes.count { $0.role == .master }
            let replicas = assessment.nodes.count { $0.role == .replica }
            lines += column(
                "ready",
                "\(masters) \(masters == 1 ? "master" : "masters"), \(replicas) \(replicas == 1 ? "replica" : "replicas") in "
                    + "\(tenths / 10).\(tenths % 10) s")
        }
        let wanted = Record.Shape(masters: cycle.spec.masters, replicas: cycle.spec.replicas)
        if readySaid, record.shape != wanted, said.insert("shape \(wanted.masters) \(wanted.replicas)").inserted {
            lines += column(
                "plan", "the configuration wants \(wanted.words), and \(record.shape.words) run: clusterd plan")
        }
        return lines + told
    }

    /// The ports; long runs as `7000-7029`.
    private static func short(_ ports: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for port in ports {
            if let last = runs.last, last.upperBound + 1 == port {
                runs[runs.count - 1] = last.lowerBound...port
            } else {
                runs.append(port...port)
            }
        }
        return runs.map { run in
            run.count > 8
                ? "\(run.lowerBound)-\(run.upperBound)" : run.map(String.init).joined(separator: " ")
        }.joined(separator: " ")
    }

    private func column(_ word: String, _ text: String) -> [String] {
        [word + String(repeating: " ", count: max(1, 10 - word.utf8.count)) + text]
    }

    private func started(_ cycle: Cycle, _ progress: Assessment.Progress) -> [String] {
        let adopted = cycle.seen.processes.values.count { process in
            if case .running(let running) = process { running.adopted } else { false }
        }
        let all = "\(progress.started)/\(progress.wanted) \(cycle.seen.engine.program)"
        return column("start", adopted == 0 ? all : "\(all); adopted \(adopted) that were already running")
    }

    /// Whether this count is complete and was not printed before.
    private mutating func isComplete(_ what: String, _ have: Int, _ of: Int) -> Bool {
        have == of && said.insert("\(what) \(of)").inserted
    }

    private func tell(_ event: TimelineEvent, _ cycle: Cycle) -> [String] {
        switch event.code {
        case .quarantined: return column("cleaned", event.message)
        case .preserved: return column("kept", event.message)
        case .nodeExited:
            // During a stop, a clean exit is expected.
            return cycle.decision.assessment.phase == .stopping && event.severity == .info
                ? [] : column("exit", event.message)
        case .nodeGone, .hostRestarted, .exitExplained: return column("gone", event.message)
        case .nodeContinued: return column("continue", event.message)
        case .nodeKilled: return column("kill", event.message)
        case .portMoved: return column("moved", event.message)
        case .successionDecided, .promotionOrdered, .promoted: return column("promote", event.message)
        case .servingLost: return column("down", event.message)
        case .servingRegained: return column("serving", event.message)
        case .operationStep, .operationResumed, .operationEnded: return column("operation", event.message)
        case .stateChanged where readySaid:
            // The event serving-lost already said which slots are not served.
            guard case .string(let state)? = event.data["to"], state != "down" else { return [] }
            return column(state, event.message)
        case .findingAppeared where event.severity > .info:
            var lines = column(event.severity.rawValue, event.message)
            if case .array(let details)? = event.data["details"] {
                for case .string(let detail) in details.suffix(3) { lines += column("", detail) }
            }
            if case .string(let hint)? = event.data["hint"] { lines += column("", hint) }
            return lines
        default: return []
        }
    }
}
