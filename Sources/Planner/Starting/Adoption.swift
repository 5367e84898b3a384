import ClusterModel

/// A process in a node's directory that this daemon did not start: either a node of this cluster from an earlier daemon, which is adopted,
/// or a foreign process, which clusterd neither touches nor starts a second one next to (invariants: own-process, one-engine).
extension Turn {
    /// How often clusterd queries a process again that has not identified itself yet.
    static let identifyPace = Duration.milliseconds(250)

    /// After this many answers, the other nodes start although a process has not identified itself.
    static let identifyAttempts = 2

    enum Ownership: Equatable {
        case ours
        /// It was queried, and has not answered yet.
        case asked
        /// What it answered, or that it did not, in words.
        case notOurs(String)
    }

    /// A process belongs to the cluster if it is the recorded one, or if it answers on the node's port with the node's id and its own pid.
    /// A nodes.conf with that id in the directory proves nothing: any process can be started there.
    mutating func ownership(_ member: Member, _ user: Observation.DirectoryUser) -> Ownership {
        if user.identity == member.process { return .ours }
        let question = identification(member, user)
        guard let reply = seen.identified[user.identity] else {
            ensure(question)
            return .asked
        }
        let words: String
        switch reply.outcome {
        case .report(let report):
            if report.processID == user.identity.pid, report.id == member.id { return .ours }
            words =
                report.processID == user.identity.pid
                ? "it reports that it is node \(report.id.short)"
                : "pid \(report.processID) answers on port \(member.ports.client)"
        case .answered(let text): words = "it answers '\(text)'"
        case .refused: words = "it does not listen on port \(member.ports.client)"
        case .silent: words = "it does not answer"
        }
        // It may still be loading, or be stopped: its answer can change.
        ensure(question, repeatAfter: Self.identifyPace)
        return .notOurs(words)
    }

    func timesAsked(_ member: Member, _ user: Observation.DirectoryUser) -> Int {
        seen.effects[identification(member, user).key]?.attempts ?? 0
    }

    private func identification(_ member: Member, _ user: Observation.DirectoryUser) -> Effect {
        .identify(
            member.name,
            .init(
                host: spec.connectHost, port: listeningPort(of: member, user.identity), process: user.identity))
    }

    /// Adopts it, or reports it.
    mutating func takeOver(_ member: Member, _ user: Observation.DirectoryUser) {
        switch ownership(member, user) {
        case .ours: adopt(member, user)
        case .asked: wait(.processOwner(pid: user.identity.pid, directory: member.directory))
        case .notOurs(let words): report(user, in: member, words)
        }
    }

    /// False once it was tried so often that the others no longer wait for it.
    @discardableResult
    mutating func adopt(_ member: Member, _ user: Observation.DirectoryUser) -> Bool {
        let order = Effect.adopt(member.name, user.identity)
        guard case .failed(let why, let attempts) = ensure(order) else { return true }
        // It may have ended since it was seen: then the next survey shows that.
        needSurvey(since: seen.effects[order.key]?.ended ?? now)
        guard attempts >= Self.adoptionAttempts else { return true }
        emit(
            Finding(
                .directoryInUse, .error, node: member.name, about: .path(member.directory),
                "\(member.directory) is in use by \(user.command) (pid \(user.identity.pid)), which clusterd cannot "
                    + "adopt: \(why)", hint: "stop that process; clusterd then starts \(member.name)"))
        return false
    }

    static let adoptionAttempts = 3

    private mutating func report(_ user: Observation.DirectoryUser, in member: Member, _ words: String) {
        emit(
            Finding(
                .directoryInUse, .error, node: member.name, about: .path(member.directory),
                "\(member.directory) is in use by \(user.command) (pid \(user.identity.pid)), which clusterd does not "
                    + "recognize as \(member.name) (\(words)): it does not start \(member.name) next to it",
                hint: "stop that process; clusterd then starts \(member.name)"))
        wait(.freeDirectory(of: member.name, pid: user.identity.pid))
        needSurvey(since: now - .seconds(1))
        wake(after: .seconds(1))
    }
}
