import ClusterModel

/// The result of advancing an operation once.
enum Advance: Equatable {
    /// What it does, or waits for, now.
    case working(OperationStep)
    case done(OperationResult)
    case failed(OperationFailure)
}

/// The progress of an operation: its last step, and how long that has lasted.
struct Story: Equatable {
    var step: OperationStep?
    var age = Duration.zero

    /// How long this step has lasted; zero if it is a new one.
    func age(of step: OperationStep) -> Duration { step == self.step ? age : .zero }

    /// For the current node of a rolling restart.
    var part: Story {
        guard case .part(_, _, let step)? = step else { return self }
        return Story(step: step, age: age)
    }
}

/// Each turn advances operations from the present state, no matter which daemon carried out their earlier steps. One at a time, in the
/// order of the requests; a start conflicts with no other operation (invariants: disposable-daemon, bounded-wait).
extension Turn {
    /// For one step that depends on the nodes' agreement.
    static let agreementLimit = Duration.seconds(30)
    /// For a process to come up and answer, in addition to the wait for its port.
    static let startLimit = Duration.seconds(60)
    /// For loading and syncing, whose time depends on the size of the data.
    static let dataLimit = Duration.seconds(3600)
    /// For one node, over all steps: a series of steps without progress ends.
    static let nodeLimit = Duration.seconds(7200)

    /// The maximum length of the kept history.
    static let stepsKept = 100

    mutating func advanceOperations(_ topology: Topology) {
        var busy: Operation?
        for index in decision.record?.operations.indices ?? 0..<0 {
            guard let operation = decision.record?.operations[index], operation.isOpen else { continue }
            if operation.isExclusive, let busy {
                tell(index, .queued, .queued(after: busy.id, title: busy.title))
                continue
            }
            if operation.isExclusive { busy = operation }
            begin(index)
            let advance = advance(index, topology)
            note(index, advance)
            // The next operation begins immediately, in the rest of this turn.
            if decision.record?.operations[index].isOpen != true { busy = nil }
            wake(after: workPace)
        }
    }

    private mutating func advance(_ index: Int, _ topology: Topology) -> Advance {
        guard let operation = decision.record?.operations[index] else { return .failed(.notInRecord) }
        if let began = operation.begun, now - began.at > Self.nodeLimit * operation.nodeCount {
            return .failed(.noProgress(operation.currentStep))
        }
        let story = story(operation)
        let begun = operation.begun?.at ?? now
        switch operation.kind {
        case .restartNode(var restart):
            let advance = self.restart(&restart, since: begun, story, topology)
            set(\.operations[index].kind, .restartNode(restart))
            return advance
        case .startNode(let start):
            return self.start(start, story, topology)
        case .stopNode(var stop):
            let advance = self.stop(&stop, since: begun, story, topology)
            set(\.operations[index].kind, .stopNode(stop))
            return advance
        case .failover(var failover):
            let advance = self.failOver(&failover, since: begun, story, topology)
            set(\.operations[index].kind, .failover(failover))
            return advance
        case .rollingRestart(var rolling):
            let advance = roll(&rolling, since: begun, story, topology)
            set(\.operations[index].kind, .rollingRestart(rolling))
            return advance
        case .fix(var fix):
            let advance = self.fix(&fix, id: operation.id, since: begun, story, topology)
            set(\.operations[index].kind, .fix(fix))
            return advance
        case .backup(var backup):
            let advance = self.backUp(&backup, story, topology)
            set(\.operations[index].kind, .backup(backup))
            return advance
        case .reshard(var reshard):
            let advance = self.reshard(&reshard, id: operation.id, since: begun, story, topology)
            set(\.operations[index].kind, .reshard(reshard))
            return advance
        case .change(var change):
            let advance = self.change(
                &change, id: operation.id, startedAt: operation.startedAt, since: begun, story, topology)
            set(\.operations[index].kind, .change(change))
            return advance
        case .pause, .resume:
            return .done(.nothingToDo)
        }
    }

    // MARK: its history

    private mutating func begin(_ index: Int) {
        guard let operation = decision.record?.operations[index] else { return }
        set(\.operations[index].state, .running)
        if operation.begun?.bootID == seen.bootID { return }
        let stamp = stamp
        set(\.operations[index].begun, stamp)
    }

    private var stamp: Operation.Stamp { .init(bootID: seen.bootID, at: now) }

    private func story(_ operation: Operation) -> Story {
        guard let began = operation.stepBegun, began.bootID == seen.bootID else {
            return Story(step: operation.currentStep)
        }
        return Story(step: operation.currentStep, age: now - began.at)
    }

    private mutating func note(_ index: Int, _ advance: Advance) {
        switch advance {
        case .working(let step): tell(index, .running, step)
        case .done(let result):
            tell(index, .running, .result(result))
            end(index, decision.record?.operations[index].isEnding == true ? .cancelled : .done)
        case .failed(let failure):
            set(\.operations[index].failure, failure)
            end(index, .failed)
        }
    }

    private mutating func tell(_ index: Int, _ state: Operation.State, _ step: OperationStep) {
        guard var operation = decision.record?.operations[index] else { return }
        operation.state = state
        wait(.operation(title: operation.title, step))
        if operation.currentStep != step || operation.steps.last?.state != state {
            if state == .queued || operation.steps.last?.state == .queued {
                operation.steps = operation.steps.dropLast()
            }
            if !operation.steps.isEmpty { operation.steps[operation.steps.count - 1].state = .done }
            operation.steps.append(.init(step, at: seen.wall, state: state))
            if operation.steps.count > Self.stepsKept { operation.steps.removeFirst() }
            operation.stepBegun = stamp
        } else if operation.stepBegun?.bootID != seen.bootID {
            operation.stepBegun = stamp
        }
        set(\.operations[index], operation)
    }

    private mutating func end(_ index: Int, _ state: Operation.State) {
        guard var operation = decision.record?.operations[index] else { return }
        operation.end(state, at: seen.wall)
        set(\.operations[index], operation)
    }
}

extension Operation {
    package mutating func end(_ state: State, at wall: WallTime) {
        self.state = state
        endedAt = wall
        guard !steps.isEmpty else { return }
        steps[steps.count - 1].state = state
    }
}
