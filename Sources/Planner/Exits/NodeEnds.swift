import ClusterModel

/// What is remembered of the ends of one node's processes. In the record, so that a daemon that starts knows of a crash
/// loop and can say why a node died; only the last end is kept whole.
package struct NodeEnds: Sendable, Equatable, Codable {
    /// Processes that were started in the place of one that had ended.
    package var restarts = 0
    /// Ends in a row without a stable minute between them, those left out that clusterd itself asked for.
    package var inARow = 0
    package var last: NodeEnd?

    package init() {}
}

/// How one process ended, as it is kept.
package struct NodeEnd: Sendable, Equatable, Codable {
    package var identity: ProcessIdentity
    /// When it was seen to have ended.
    package var at: WallTime
    /// `ExitReason.Kind.name`.
    package var kind: String
    package var cause: String
    /// Neither code nor signal: it was no child of the clusterd that saw it end.
    package var exit: ProcessExit
    /// nil: the kernel could not be asked, or it was not yet.
    package var outOfMemory: Bool?
    package var uptimeMilliseconds: Int64?
    /// What the engine had in use when it was last asked.
    package var memoryBytes: Int64?
    package var log: [String]
    /// All that can be learned of it is here.
    package var isComplete = false

    /// An end that was seen.
    package init?(_ seen: NodeProcess.Exited) {
        guard let identity = seen.identity else { return nil }
        self.identity = identity
        at = seen.wall
        kind = seen.reason.kind.name
        cause = seen.reason.cause
        exit = seen.reason.exit ?? ProcessExit()
        uptimeMilliseconds = seen.ran?.inMilliseconds
        memoryBytes = seen.lastReport?.load.memoryBytes
        log = seen.reason.logTail
        outOfMemory = seen.reason.outOfMemory
        // Only of what a kill, or nobody knows what, has ended the kernel may know more.
        isComplete =
            !(exit.signal == 9 || (exit.code == nil && exit.signal == nil)) || seen.reason.kind == .hung
            || outOfMemory != nil
    }

    /// An end that nobody saw.
    package init(unseen identity: ProcessIdentity, at: WallTime, cause: String) {
        self.identity = identity
        self.at = at
        kind = ExitReason.Kind.unknown.name
        self.cause = cause
        exit = ProcessExit()
        log = []
    }
}

extension Turn {
    /// What the hands could learn about the end of a process after it.
    typealias Inquiry = Observation.Inquiry

    /// World before record: an end is noted after it was seen, and not in the turns that replace a master, which write no
    /// more than they must.
    static let noteDelay = Duration.milliseconds(200)

    mutating func noteEnds(_ survey: Observation.Survey) {
        for member in members {
            if let exit = seen.lastExits[member.name] { note(exit, of: member) }
            noteUnseenEnd(of: member, survey)
            complete(member)
            forgive(member)
            reportLoop(member)
        }
    }

    private mutating func note(_ exit: NodeProcess.Exited, of member: Member) {
        guard let index = decision.record?.index(member.name), let end = NodeEnd(exit) else { return }
        guard member.ends?.last?.identity != end.identity else { return }
        guard now - exit.at >= Self.noteDelay || seen.intent != .run else { return wake(at: exit.at + Self.noteDelay) }
        var ends = member.ends ?? NodeEnds()
        ends.inARow = exit.failures
        ends.last = end
        set(\.ends, ends, at: index)
    }

    /// The process in the record runs no more, and this daemon has not seen it end.
    private mutating func noteUnseenEnd(of member: Member, _ survey: Observation.Survey) {
        guard seen.processes[member.name] == nil, let process = member.process, !isBusy(member.name),
            member.ends?.last?.identity != process, case .dead = life(of: member, survey),
            let index = decision.record?.index(member.name)
        else { return }
        let cause =
            process.bootID == seen.bootID
            ? "ended while clusterd was not running: exit status unknown" : "ended when the host rebooted"
        var ends = member.ends ?? NodeEnds()
        ends.last = NodeEnd(unseen: process, at: seen.wall, cause: cause)
        set(\.ends, ends, at: index)
    }

    /// Asks what the kernel and the log say of an end, and adds it.
    private mutating func complete(_ member: Member) {
        guard let index = decision.record?.index(member.name),
            var end = decision.record?.members[index].ends?.last, !end.isComplete
        else { return }
        guard let inquiry = seen.inquiries[member.name], inquiry.of == end.identity else {
            ensure(.inquire(member.name, end.identity, log: member.directory + "/redis.log"))
            return
        }
        end.complete(with: inquiry, before: seen.lastExits[member.name], isThisBoot: end.identity.bootID == seen.bootID)
        var ends = decision.record?.members[index].ends
        ends?.last = end
        set(\.ends, ends, at: index)
    }

    private mutating func forgive(_ member: Member) {
        guard let process = running(member.name), let index = decision.record?.index(member.name),
            var ends = decision.record?.members[index].ends, ends.inARow > 0
        else { return }
        if now - process.since >= RestartPolicy.stableTime {
            ends.inARow = 0
            set(\.ends, ends, at: index)
        } else {
            wake(at: process.since + RestartPolicy.stableTime)
        }
    }

    /// A node that does not stay up, whether it is up at this moment or not.
    private mutating func reportLoop(_ member: Member) {
        let ends = decision.record?.member(member.name)?.ends
        let failures = max(ends?.inARow ?? 0, exited(member.name)?.failures ?? 0)
        guard member.wanted == .running, seen.intent == .run, failures >= RestartPolicy.loopLength,
            let last = exited(member.name).flatMap({ NodeEnd($0) }) ?? ends?.last
        else { return }
        let lasted = last.uptimeMilliseconds.map { " after \(Duration.milliseconds($0).inWords)" } ?? ""
        emit(
            Finding(
                .crashLoop, .error, node: member.name,
                "\(member.name) ended \(failures) times in a row; the last time it \(ExitReason.past(last.cause))\(lasted)",
                hint: "\(member.directory)/redis.log", details: last.log))
    }
}

extension NodeEnd {
    /// Of an end that was seen at least one of these is known.
    private var isUnseen: Bool { exit == ProcessExit() && uptimeMilliseconds == nil && log.isEmpty }

    mutating func complete(with inquiry: Observation.Inquiry, before exit: NodeProcess.Exited?, isThisBoot: Bool) {
        isComplete = true
        if let exit = inquiry.exit {
            // Nobody looked when it ended, and its parent is told all the same.
            let reason = ExitReason(exit: exit, log: inquiry.log)
            (self.exit, log, kind, cause) = (exit, reason.logTail, reason.kind.name, reason.cause)
        } else if exit?.identity != identity, isUnseen, !inquiry.log.isEmpty {
            // Nobody heard it end; what it wrote may say more than that.
            let reason = ExitReason(exit: self.exit, log: inquiry.log)
            log = reason.logTail
            if reason.kind != .unknown {
                kind = reason.kind.name
                cause = "\(reason.cause), while clusterd was not running"
            }
        }
        guard isThisBoot, kind == ExitReason.Kind.killed.name || kind == ExitReason.Kind.unknown.name else { return }
        if let named = inquiry.namedByKernel {
            outOfMemory = named
            if named {
                kind = ExitReason.Kind.outOfMemory.name
                cause = "was killed by the kernel: out of memory"
            }
        } else if let before = exit?.memoryKillsBefore, exit?.identity == identity, let now = inquiry.memoryKills {
            outOfMemory = now > before
            if now > before {
                kind = ExitReason.Kind.outOfMemory.name
                cause += ", most likely by the kernel, which just killed a process because memory ran out"
            }
        }
    }
}
