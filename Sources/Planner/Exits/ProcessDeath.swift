import ClusterModel

/// Whether the process of a node is alive, proven dead, or neither can be determined. Only this code concludes death: starts, promotions,
/// moves to another port, stops and everything that moves or deletes files of a node ask here. "Seen gone", "not seen" and "could not look"
/// are three different answers (invariant: proven-death).
package enum ProcessLife: Sendable, Equatable {
    case alive(ProcessIdentity)
    case dead(Proof, since: Moment)
    case unproven(Doubt)

    /// Nothing else is proof.
    package enum Proof: Sendable, Equatable {
        /// Its end was seen: it was reaped, or its pidfd became readable.
        case ended
        /// SIGKILL is pending: it executes no further instruction.
        case killPending
        /// The host has booted since.
        case otherBoot
        /// No process has its pid and start time, no server works in its folder, and every process that could be one was examined.
        case gone
    }

    package enum Doubt: Sendable, Equatable {
        /// The available facts are older than this moment.
        case notLooked(since: Moment)
        /// A process has the recorded pid and may not be examined.
        case hidden(ProcessIdentity)
        /// A server works in the folder, and it is not known to be the node's own.
        case folderInUse(Observation.DirectoryUser)
        /// Processes may work in the folder that may not be examined, and it is unknown whether the node's port is free.
        case unseen([ConcealedProcess])
    }

    /// - Parameters:
    ///   - process: what this daemon knows about the node's process; nil: it has neither started nor adopted one.
    ///   - killPendingSince: since when SIGKILL is pending on it.
    ///   - listensNot: whether no engine of this node can listen on its ports: both are reserved, or another program, which was seen, has
    /// one of them; nil: unknown.
    package init(
        of member: Member, process: NodeProcess?, killPendingSince: Moment?, survey: Observation.Survey,
        users: @autoclosure () -> FolderUsers, bootID: String, listensNot: Bool?
    ) {
        switch process {
        case .running(let running):
            self = killPendingSince.map { .dead(.killPending, since: $0) } ?? .alive(running.identity)
        case .exited(let exit):
            // A process that never answered as itself may have been a wrapper whose engine is still alive.
            if exit.answeredAsItself {
                self = .dead(.ended, since: exit.at)
            } else if survey.askedAt < exit.at {
                self = .unproven(.notLooked(since: exit.at))
            } else if let user = users().server(in: member.directory) {
                self = .unproven(.folderInUse(user))
            } else {
                self = .dead(.ended, since: exit.at)
            }
        case nil:
            self = Self.remembered(member, survey, users(), bootID, listensNot)
        }
    }

    /// For a process that an earlier daemon started.
    private static func remembered(
        _ member: Member, _ survey: Observation.Survey, _ users: FolderUsers, _ bootID: String, _ listensNot: Bool?
    ) -> ProcessLife {
        if let process = member.process, process.bootID == bootID {
            switch survey.recorded[process] {
            case .alive: return .alive(process)
            case .hidden: return .unproven(.hidden(process))
            case nil: return .unproven(.notLooked(since: survey.askedAt + .nanoseconds(1)))
            case .gone: break
            }
        }
        if let user = users.server(in: member.directory) { return .unproven(.folderInUse(user)) }
        // On a host that hides other users' processes, free ports substitute for what cannot be seen: an engine that works in this folder
        // by its redis.conf listens there.
        if !survey.sawAll, listensNot != true { return .unproven(.unseen(survey.concealed)) }
        let isOtherBoot = member.process.map { $0.bootID != bootID } ?? false
        return .dead(isOtherBoot ? .otherBoot : .gone, since: survey.askedAt)
    }
}

extension ProcessLife.Doubt {
    /// What prevents proof that this node's process has ended.
    func sentence(_ member: Member) -> String {
        switch self {
        case .notLooked: "clusterd has not checked yet whether the process of \(member.name) has ended"
        case .hidden(let process):
            "the recorded process of \(member.name) (\(process)) may still run, and /proc hides it (hidepid)"
        case .folderInUse(let user):
            "\(user.command) (pid \(user.identity.pid)) runs there, and clusterd does not recognize it as \(member.name)"
        case .unseen(let processes):
            processes.isEmpty
                ? "/proc hides other users' processes (hidepid), and clusterd does not know whether the ports of \(member.name) are free"
                : "clusterd may not read the working directory of \(processes[0].name) (pid \(processes[0].pid))"
        }
    }
}

extension ProcessLife.Doubt {
    /// The command that shows what clusterd cannot see.
    func command(_ member: Member) -> String {
        switch self {
        case .hidden(let process): "sudo ps -o pid,user,lstart,args -p \(process.pid)"
        case .folderInUse(let user): "ps -o pid,user,lstart,args -p \(user.identity.pid)"
        case .notLooked, .unseen: "sudo ss -ltnp 'sport = :\(member.ports.client)'"
        }
    }
}

extension NodeProcess.Exited {
    /// Whether the process has answered with its own pid: then it was the engine itself, not a wrapper around it.
    var answeredAsItself: Bool { lastReport.map { $0.processID == identity?.pid } ?? false }
}

extension Turn {
    func life(of member: Member, _ survey: Observation.Survey) -> ProcessLife {
        var listensNot: Bool?
        switch seen.ports[member.ports] {
        case .reserved: listensNot = true
        // If another program has one of the two ports, an engine that needs both does not run there.
        case .busy(let busy): listensNot = isForeign(busy, member, survey)
        case nil: break
        }
        return ProcessLife(
            of: member, process: seen.processes[member.name],
            killPendingSince: vitals(member.name)?.dyingSince, survey: survey, users: folderUsers(survey),
            bootID: seen.bootID, listensNot: listensNot)
    }

    func folderUsers(_ survey: Observation.Survey) -> FolderUsers {
        FolderUsers(survey.users, recorded: Set(members.compactMap(\.process)), server: spec.server)
    }

    /// A process that became visible after the survey was requested may be the node's own: the survey does not show where it works.
    private func isForeign(_ busy: Observation.Busy, _ member: Member, _ survey: Observation.Survey) -> Bool {
        guard case .process(let pid) = busy.holder, survey.askedAt >= busy.heldSince else { return false }
        return pid != member.process?.pid && !survey.concealed.contains { $0.pid == pid }
    }

    /// Invariant: idle-folder. Why the files of a folder must not be changed: a process works there, or may; nil: it is known that none
    /// does.
    func reasonNotToTouch(_ folder: String, _ survey: Observation.Survey) -> String? {
        func inUse(_ user: Observation.DirectoryUser) -> String {
            "\(folder) is in use by \(user.command) (pid \(user.identity.pid))"
        }
        if let user = server(in: folder, survey) { return inUse(user) }
        guard let member = members.first(where: { $0.directory == folder }) else { return nil }
        switch life(of: member, survey) {
        case .dead: return nil
        case .alive(let process): return "\(folder) is in use by \(member.name) (\(process))"
        case .unproven(let doubt): return "\(folder) may be in use: \(doubt.sentence(member))"
        }
    }

    func server(in folder: String, _ survey: Observation.Survey) -> Observation.DirectoryUser? {
        folderUsers(survey).server(in: folder)
    }

    /// Invariant: one-engine. The process that this daemon should adopt as the node: the recorded one if it is alive, whatever it calls
    /// itself and whether or not its folder is visible; otherwise a server that works in the node's folder.
    func processToAdopt(_ member: Member, _ survey: Observation.Survey) -> Observation.DirectoryUser? {
        guard seen.processes[member.name] == nil else { return nil }
        switch life(of: member, survey) {
        case .alive(let identity):
            return survey.users.first { $0.identity == identity }
                ?? .init(directory: member.directory, identity: identity, command: "the recorded process")
        case .unproven(.folderInUse(let user)): return user
        case .unproven, .dead: return nil
        }
    }

    /// Reports what prevents proof that this node's process has ended, and asks for what would prove it.
    mutating func settle(_ doubt: ProcessLife.Doubt, of member: Member) {
        switch doubt {
        case .notLooked(let since):
            needSurvey(since: since)
            wait(.deathSurvey(member.name))
        case .folderInUse(let user): takeOver(member, user)
        case .hidden(let process):
            emit(
                Finding(
                    .endUnproven, .error, node: member.name,
                    "clusterd neither starts nor replaces \(member.name): its recorded process (\(process)) may still run, and /proc "
                        + "hides it from clusterd (hidepid)",
                    hint: "sudo ps -o pid,user,lstart,args -p \(process.pid)"))
            lookAgain(member)
        case .unseen(let processes):
            if case .ready = ownPort(member) { return wake(at: now) }
            let who =
                processes.isEmpty
                ? "/proc shows clusterd only its own user's processes (hidepid)"
                : Self.list(processes.prefix(3).map { "\($0.name) (pid \($0.pid))" })
                    + " may run in \(member.directory), and clusterd may not check"
            guard case .busy(let busy) = seen.ports[member.ports] else { return }
            if case .process = busy.holder, let survey = seen.survey, survey.askedAt < busy.heldSince {
                needSurvey(since: busy.heldSince)
                return wait(.portHolder(busy.port, of: member.name))
            }
            // Within `port-wait` nothing has gone wrong yet: a node that waits for its port is still starting.
            emit(
                Finding(
                    .endUnproven, now - busy.since < spec.portWait ? .warning : .error, node: member.name,
                    "clusterd neither starts nor replaces \(member.name): \(who), and a port of \(member.name) is in use",
                    hint: "sudo ss -ltnp 'sport = :\(member.ports.client)'"))
            lookAgain(member)
        }
    }

    private mutating func lookAgain(_ member: Member) {
        wait(.deathProof(member.name))
        needSurvey(since: now - .seconds(1))
        wake(after: .seconds(1))
    }
}
