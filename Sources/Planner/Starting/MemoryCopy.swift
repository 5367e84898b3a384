import ClusterModel

/// A running replica drops its memory when it follows another master, and its files may hold none of that: without an append-only file, or
/// until the rewrite that follows a full synchronization. It saves a dump first, which is then kept (invariant: last-copy).
extension Turn {
    /// - Returns: true once the folder holds what the process has in memory, and was surveyed since.
    mutating func isOnDisk(memoryOf member: Member, since death: Moment, _ survey: Observation.Survey) -> Bool {
        guard let contact = contact(member), let report = lastHeard(member), report.load.holdsData,
            !report.persistence.appendOnly || report.persistence.rewritesAppendOnly
        else { return true }
        let save = Effect.save(member.name, contact)
        guard let saved = seen.effects[save.key], saved.began >= death else {
            if !isBusy(member.name) { order(save) }
            return false
        }
        switch ensure(save, retryAfter: .seconds(1)) {
        case .underWay, .failed: return false
        case .done(let at):
            // If it failed, `saveAgain` tries once there is room.
            guard let after = freshReply(from: member, since: at), !after.persistence.saving,
                after.persistence.lastSaveOK
            else { return false }
            guard survey.askedAt >= at else {
                needSurvey(since: at)
                return false
            }
            return true
        }
    }

    /// When the nodes of this shard were first seen without this master.
    func lossNoticed(of master: Member) -> Moment { exited(master.name)?.at ?? seen.began }
}
