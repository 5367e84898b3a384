import ClusterModel
import Planner

/// What `up` and `run` say on the way to ready, and of what happens later: a line an event. Compares each turn with the one
/// before; decides nothing.
package struct Narration: Sendable {
    private var said = Set<String>()
    private var covered = false
    private var readySaid = false
    private var state = Assessment.State.ok
    private let began: Moment

    package init(began: Moment) { self.began = began }

    /// The new lines, without a newline; each begins with a word in a column of ten.
    package mutating func lines(_ cycle: Cycle, at now: Moment) -> [String] {
        var lines: [String] = []
        guard let record = cycle.record else { return findings(cycle) }
        let assessment = cycle.decision.assessment
        if record.stage == .formed || assessment.phase == .forming, !record.members.isEmpty,
            said.insert("ports").inserted
        {
            lines += column("ports", Self.short(record.members.map(\.ports.client)))
            for member in record.members {
                if let note = member.portNote { lines += column("", note) }
            }
        }
        lines += cleaned(cycle)
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
        return lines + incidents(cycle) + findings(cycle)
    }

    /// Long runs of ports as `7000-7029`.
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
        return column("start", adopted == 0 ? all : "\(all); \(adopted) of them were running and are taken over")
    }

    /// Whether this count is complete and was not said before.
    private mutating func isComplete(_ what: String, _ have: Int, _ of: Int) -> Bool {
        have == of && said.insert("\(what) \(of)").inserted
    }

    private mutating func cleaned(_ cycle: Cycle) -> [String] {
        cycle.decision.effects.flatMap { effect -> [String] in
            switch effect {
            case .quarantine(let move) where said.insert(effect.key.text).inserted:
                column("cleaned", "\(move.node): \(move.note); moved to quarantine/\(move.folder)")
            case .preserve(let copies) where said.insert(effect.key.text).inserted:
                column("kept", "\(copies.node): a copy of its data is in quarantine/\(copies.folder): \(copies.note)")
            default: []
            }
        }
    }

    /// Ends of nodes, promotions, steps of operations.
    private mutating func incidents(_ cycle: Cycle) -> [String] {
        var lines: [String] = []
        lines += ends(cycle)
        for promotion in cycle.record?.promotions ?? []
        where said.insert("promote \(promotion.replica) \(promotion.deadline.milliseconds)").inserted {
            let lag =
                promotion.lagBytes.map { "; it was \($0) bytes behind what was last seen of \(promotion.master)" } ?? ""
            lines += column("promote", "\(promotion.replica) takes over from \(promotion.master)\(lag)")
        }
        for operation in cycle.record?.operations ?? [] {
            for (index, step) in operation.steps.enumerated()
            where operation.isOpen || index == operation.steps.count - 1 {
                guard said.insert("step \(operation.id) \(index)").inserted else { continue }
                lines += column(operation.name, "\(step.text)\(operation.error.map { ": \($0)" } ?? "")")
            }
        }
        let assessment = cycle.decision.assessment
        if readySaid, assessment.phase != .stopping, assessment.state != state {
            state = assessment.state
            let uncovered = SlotSet.slotCount - assessment.slotsCovered
            switch assessment.state {
            case .ok: lines += column("ok", "every slot is served, with full redundancy")
            case .degraded: lines += column("degraded", "every slot is served, with less redundancy than wanted")
            case .down: lines += column("down", "\(uncovered) slots are not served")
            }
        }
        return lines
    }

    /// Ends of this daemon's time, and those that it found: again where more was learned of one.
    private mutating func ends(_ cycle: Cycle) -> [String] {
        let ends = (cycle.record?.members ?? []).compactMap { member in
            cycle.lastEnd(of: member).map { (node: member.name, end: $0) }
        }
        var lines: [String] = []
        for (node, end) in ends.sorted(by: { ($0.end.at, $0.node) < ($1.end.at, $1.node) })
        where end.at >= cycle.seen.beganWall {
            guard said.insert("exit \(node) \(end.identity.pid)/\(end.identity.startTime) \(end.cause)").inserted else {
                continue
            }
            // A clean end is what a stop asks for.
            let isSilent = end.kind == "clean" || (end.exit.code == nil && end.exit.signal == nil)
            if cycle.decision.assessment.phase == .stopping, isSilent { continue }
            let lasted = end.uptimeMilliseconds.map { " after \(Duration.milliseconds($0).inWords)" } ?? ""
            lines += column("exit", "\(node) \(end.cause)\(lasted)")
        }
        return lines
    }

    private mutating func findings(_ cycle: Cycle) -> [String] {
        cycle.decision.findings.flatMap { finding -> [String] in
            // The same sentence with other numbers is no news.
            let words = finding.message.filter { !$0.isNumber }
            guard finding.severity > .info,
                said.insert("finding \(finding.code) \(finding.node?.text ?? "") \(words)").inserted
            else { return [] }
            return column(finding.severity.rawValue, finding.message)
                + finding.details.suffix(3).flatMap { column("", $0) }
                + (finding.hint.map { column("", $0) } ?? [])
        }
    }
}
