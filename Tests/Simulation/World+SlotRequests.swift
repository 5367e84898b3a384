import ClusterModel
import Orchestrator
import Planner

/// Requests to move slots, and what goes wrong while they move.
extension World {
    enum SlotRequest {
        /// The highest slots of one node's shard go to another's; the nodes by their number.
        case reshard(from: Int, to: Int, count: Int)
        case reshardExactly(from: NodeName, to: NodeName, SlotSet)
        /// The shares are even, but for one node with this weight.
        case rebalance(Int, weight: Double)
    }

    func ask(_ request: SlotRequest, _ key: String) {
        guard var current = cycle, let record = current.record, !record.members.isEmpty else { return }
        func name(_ index: Int) -> String { record.members[index % record.members.count].name.text }
        let command: Command =
            switch request {
            case .reshard(let from, let to, let count):
                .reshard(.init(from: name(from), to: name(to), slots: .count(count)))
            case .reshardExactly(let from, let to, let slots):
                .reshard(.init(from: from.text, to: to.text, slots: .exactly(slots)))
            case .rebalance(let node, let weight): .rebalance(.init(weights: [name(node): weight], threshold: 0.5))
            }
        do throws(Failure) {
            var admission = Admission(record, current.spec, current.decision.assessment, seeing: current.seen)
            let operation = try admission.admit(command, key: key)
            tell("\(command): operation \(operation.id) \(operation.state) \(operation.currentStep?.words ?? "")")
            current.admit(admission.record)
            cycle = current
            turn()
        } catch {
            tell("\(command) is refused: \(error.message)")
        }
    }

    /// The operator follows the hint of the finding `slot-open`, for an operation that has failed; false if no slot is half moved.
    func finishOpenSlots() -> Bool {
        for target in host.pids.compactMap({ host.engines[$0] }) where target.isMaster {
            guard let open = target.myself.importing.first,
                let owner = host.pids.compactMap({ host.engines[$0] })
                    .first(where: { $0.isMaster && $0.slots.contains(open.slot) }),
                let from = record?.member(id: owner.id)?.name, let to = record?.member(id: target.id)?.name, from != to
            else { continue }
            tell("the operator finishes slot \(open.slot)")
            ask(.reshardExactly(from: from, to: to, SlotSet(open.slot...open.slot)), "finish at \(now.nanoseconds)")
            return true
        }
        return false
    }

    /// Before a command of a migration is sent: false if nothing goes wrong now.
    func isCut(_ run: Migration) -> Bool {
        slots.commands += 1
        guard let cut = slots.cuts.removeValue(forKey: slots.commands) else { return false }
        tell("while slots move (\(run.step)): \(cut)")
        switch cut {
        case .daemon:
            killDaemon()
            queue.add(.fault(.startDaemon), at: now + slots.microseconds(10_000...300_000))
        case .source: exit(run.source, code: nil, signal: 9)
        case .target: exit(run.target, code: nil, signal: 9)
        case .replicaOfSource: if let pid = replica(of: run.order.sourceID) { exit(pid, code: nil, signal: 9) }
        case .replicaOfTarget: if let pid = replica(of: run.order.targetID) { exit(pid, code: nil, signal: 9) }
        case .stopSource: halt(run.source)
        case .stopTarget: halt(run.target)
        case .failOverSource: failOver(run.order.source)
        case .failOverTarget: failOver(run.order.target)
        }
        return true
    }

    private func replica(of master: NodeID) -> Int32? {
        host.pids.first { host.engines[$0]?.masterID == master }
    }

    /// SIGSTOP, and SIGCONT after a while.
    private func halt(_ pid: Int32) {
        guard let place = host.pids.firstIndex(of: pid) else { return }
        let time = slots.microseconds(100_000...6_000_000).inMilliseconds
        // An even number of milliseconds: it is stopped once.
        happen(.stopNode(place, .milliseconds(time / 2 * 2)))
    }

    private func failOver(_ node: NodeName) {
        guard let index = record?.index(node) else { return }
        queue.add(.fault(.command(.failoverFrom, index, key: "cut \(slots.commands)")), at: now)
    }
}

extension Scenario {
    /// In a seventh of the seeds, and in none of the regression seeds before them.
    static func movesSlots(_ seed: UInt64) -> Bool { seed % 7 == 3 }

    /// One to three requests while other faults occur, and up to two faults in the middle of a migration.
    func planSlotMoves(_ world: World, _ hardship: Hardship) {
        guard Self.movesSlots(seed) else { return }
        world.trackSlots()
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &world.slots.random) }
        for index in 0..<number(1...3) {
            let (from, to) = (number(0...20), number(0...20))
            let request: World.SlotRequest =
                number(0...3) == 0
                ? .rebalance(from, weight: 1.02)
                : .reshard(from: from, to: to, count: [1, 3, 60, 120][number(0...3)])
            let at = world.now + world.slots.microseconds(0...4_000_000)
            world.queue.add(.fault(.moveSlots(request, key: "move \(index)")), at: at)
            guard number(0...4) == 0 else { continue }
            world.queue.add(
                .fault(.command(.cancel, 0, key: "cancel \(index)")), at: at + world.slots.microseconds(1000...100_000))
        }
        var cuts: [TrackedSlots.Cut] = [.daemon]
        if hardship != .none {
            cuts += [.source, .target, .replicaOfSource, .replicaOfTarget, .failOverSource, .failOverTarget]
        }
        if [.pauses, .all].contains(hardship) { cuts += [.stopSource, .stopTarget] }
        for _ in 0..<number(0...2) {
            world.slots.cuts[number(1...60)] = cuts[number(0...cuts.count - 1)]
        }
    }
}
