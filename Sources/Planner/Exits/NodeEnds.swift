import ClusterModel

/// The recorded ends of one node's processes, so that a daemon that starts knows about a crash loop and can say why a node died; only the
/// last end is kept in full.
package struct NodeEnds: Sendable, Equatable, Codable {
    /// Processes that were started to replace one that had ended.
    package var restarts = 0
    /// Consecutive ends without a stable minute between them, excluding those that clusterd itself requested.
    package var inARow = 0
    package var last: NodeEnd?

    package init() {}
}

/// How one process ended, as recorded.
package struct NodeEnd: Sendable, Equatable, Codable {
    package var identity: ProcessIdentity
    /// When the end was noticed.
    package var at: WallTime
    /// `ExitReason.Kind.name`.
    package var kind: String
    package var cause: String
    /// Neither code nor signal: the process was not a child of the clusterd that saw it end.
    package var exit: ProcessExit
    /// nil: the kernel could not be asked, or has not been asked yet.
    package var outOfMemory: Bool?
    package var uptimeMilliseconds: Int64?
    /// What the engine used when it was last asked.
    package var memoryBytes: Int64?
    package var log: [String]
    /// The record of this end has everything that can be learned.
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
        // Only for an end by SIGKILL, or by an unknown cause, may the kernel know more.
        isComplete =
            !(exit.signal == 9 || (exit.code == nil && exit.signal == nil)) || seen.reason.kind == .hung
            || outOfMemory != nil
    }

    /// An end that no daemon saw.
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
    /// What the hands could learn about the end of a process afterwards.
    typealias Inquiry = Observation.Inquiry

    /// World before record: an end is recorded after it was seen, and not in the turns that replace a master, which write as little as
    /// possible.
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
        guard let index = place(of: member.name), let end = NodeEnd(exit) else { return }
        guard member.ends?.last?.identity != end.identity else { return }
        guard now - exit.at >= Self.noteDelay || seen.intent != .run else { return wake(at: exit.at + Self.noteDelay) }
        var ends = member.ends ?? NodeEnds()
        ends.inARow = exit.failures
        ends.last = end
        set(\.ends, ends, at: index)
    }

    /// The recorded process no longer runs, and this daemon has not seen it end.
    private mutating func noteUnseenEnd(of member: Member, _ survey: Observation.Survey) {
        guard seen.processes[member.name] == nil, let process = member.process, !isBusy(member.name),
            member.ends?.last?.identity != process, case .dead = life(of: member, survey),
            let index = place(of: member.name)
        else { return }
        let cause =
            process.bootID == seen.bootID
            ? "ended while clusterd was not running: exit status unknown" : "ended when the host rebooted"
        var ends = member.ends ?? NodeEnds()
        ends.last = NodeEnd(unseen: process, at: seen.wall, cause: cause)
        set(\.ends, ends, at: index)
    }

    /// Asks the kernel and the log about an end, and adds the answer.
    private mutating func complete(_ member: Member) {
        guard let index = place(of: member.name),
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
        guard let process = running(member.name), let index = place(of: member.name),
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
        let ends = find(member.name)?.ends
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
    /// An end that was seen has at least one of these.
    private var isUnseen: Bool { exit == ProcessExit() && uptimeMilliseconds == nil && log.isEmpty }

    mutating func complete(with inquiry: Observation.Inquiry, before exit: NodeProcess.Exited?, isThisBoot: Bool) {
        isComplete = true
        if let exit = inquiry.exit {
            // No daemon was watching when it ended, but its parent still gets the exit status.
            let reason = ExitReason(exit: exit, log: inquiry.log)
            (self.exit, log, kind, cause) = (exit, reason.logTail, reason.kind.name, reason.cause)
        } else if exit?.identity != identity, isUnseen, !inquiry.log.isEmpty {
            // No daemon saw it end; its log may say more.
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
