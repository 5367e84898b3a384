import ClusterModel

/// The port on which clusterd queries a node. `CONFIG SET port` moves a node away from the recorded port; its process is known
/// nevertheless, and the kernel knows where it listens (invariants: own-process, settings-restored).
extension Turn {
    /// Its own, unless its process was seen to listen elsewhere and not there.
    func listeningPort(of member: Member, _ process: ProcessIdentity) -> Int {
        let own = member.ports.client
        guard let ports = user(process)?.ports, !ports.contains(own)
        else {
            return own
        }
        let others = ports.filter { $0 != member.ports.bus }.sorted()
        let told = members.compactMap { lastHeard($0)?.view.entry(member.id)?.ports.client }
        return others.first(where: told.contains) ?? others.first ?? own
    }

    /// Between two looks for the port of a process that refuses connections.
    private static let lookPace = Duration.seconds(5)

    /// Looks up where a process listens that refuses connections, and looks again once its port was restored.
    mutating func lookForPorts() {
        guard let survey = seen.survey else { return }
        for member in members {
            guard let process = running(member.name) else { continue }
            if listeningPort(of: member, process.identity) != member.ports.client,
                let changed = seen.changed[member.name], !isBusy(member.name)
            {
                needSurvey(since: changed + .nanoseconds(1))
            }
            guard let reply = lastReply(member), reply.outcome == .refused,
                reply.askedAt > process.since + Self.hearingLimit
            else { continue }
            let due = survey.askedAt + Self.lookPace
            if now >= due { needSurvey(since: now) } else { wake(at: due) }
        }
    }
}
