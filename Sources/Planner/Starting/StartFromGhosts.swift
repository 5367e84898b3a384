import ClusterModel

/// A start of the whole cluster over its data: its masters need not wait the 2 s after which a master with slots accepts writes. Each starts
/// as the replica of its ghost, loads its own files, and takes its slots over (`Birth.swift`; docs/decisions/24-a-start-over-data.md).
///
/// Nothing but the 2 s changes: the same nodes become masters that would have started as masters. Who owned which slots stays readable at
/// every moment: a file that names a ghost gives it the slots of the node whose inverted id it has.
extension Turn {
    /// What an engine loads of its files in a second, at the least that is assumed. A ghost that was not heard for `cluster-node-timeout`
    /// is held for failed, and then the takeover takes up to 5 s to be believed: more than it saves.
    static let slowestLoad: Int64 = 50_000_000

    /// Records that the files which are written next name ghosts; true: nothing starts before that is recorded.
    mutating func beginBirthOverData(
        _ topology: Topology, _ failovers: [NodeID: FailoverDecision], _ survey: Observation.Survey
    ) -> Bool {
        guard isWholeStart(survey), topology.unborn.isEmpty, topology.covered == .all else { return false }
        let owners = members.filter { topology.owns($0.id) }
        guard owners.count <= Self.mostBirths, mayTakeOverFromGhosts else { return false }
        // A special case is worth the two seconds of the plain path, which every node understands.
        guard owners.allSatisfy({ failovers[$0.id] == .inPlace && isOrdinary($0, topology, survey) }) else {
            return false
        }
        set(\.ghosts, true)
        set(\.ghostEpoch, topology.currentEpoch)
        wake(at: now)
        return true
    }

    /// No node has run since this daemon began, none is left from before, and no command is in progress. A cluster that was only found
    /// starts with the files in which it was found.
    private func isWholeStart(_ survey: Observation.Survey) -> Bool {
        guard let record = decision.record, record.everReady, record.ghosts != true, case .run = seen.intent, !isPaused,
            record.promotions.isEmpty, !record.operations.contains(where: \.isOpen), seen.processes.isEmpty
        else { return false }
        return members.allSatisfy { member in
            guard member.wanted == .running, !member.joining, member.awaitsSlots != true, !isBusy(member.name),
                case .dead = life(of: member, survey)
            else { return false }
            let myself = survey.directories.first { $0.path == member.directory }?.parsed?.view.myself
            // A file that names a ghost has no place for an open slot.
            return myself.map { $0.migrating.isEmpty && $0.importing.isEmpty } ?? true
        }
    }

    /// Nothing keeps this master from its start, and it loads its files long before another node holds its ghost for failed.
    private func isOrdinary(_ member: Member, _ topology: Topology, _ survey: Observation.Survey) -> Bool {
        guard let facts = survey.directories.first(where: { $0.path == member.directory }),
            facts.parsed?.view.myself?.id == member.id, facts.content.trouble == nil, !lacksManifest(member),
            !lacksRoom(toStart: member, topology)
        else { return false }
        if case .busy = seen.ports[member.ports] { return false }
        let files = facts.content.dumps + (facts.content.appendOnly?.files ?? [])
        let bytes = files.reduce(0) { $0 + $1.size }
        return bytes <= Self.slowestLoad * (nodeTimeout(of: member) / 2).components.seconds
    }

    /// The owners that have not taken their slots since the record said that they will.
    func awaitBirths(in topology: inout Topology) {
        guard decision.record?.ghosts == true, let epoch = decision.record?.ghostEpoch else { return }
        // What a running node reports about itself is newer than the survey, which may be from before its file was written.
        for member in members where lastHeard(member) == nil && topology.owns(member.id) {
            if let standing = topology.standings[member.id], standing.configEpoch <= epoch {
                topology.awaitBirth(of: member.id)
            }
        }
    }
}
