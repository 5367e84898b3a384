import ClusterModel

/// Which events the loop decides on at once. In a cluster at rest the answers of all nodes arrive one after the other and say what they
/// said a second ago: they are noted as they arrive, and one turn decides on all of them. What is overlooked here is late by
/// `patience`, never lost.
extension Observation {
    /// How long a decision waits for the answers of the other nodes that were asked.
    package static let patience = Duration.milliseconds(25)

    /// Whether the cluster was ready in the last turn and nothing is under way but questions.
    package func isAtRest(given record: Record?) -> Bool {
        guard wasReady, intent == .run, let record else { return false }
        return record.promotions.isEmpty && !record.operations.contains(where: \.isOpen)
            && !effects.contains { $0.value.isUnderWay && !$0.key.kind.isQuestion }
    }

    package func isNews(_ event: Event) -> Bool {
        guard case .ended(let effect, let outcome) = event else { return true }
        switch (effect, outcome) {
        case (.ask(let node, let contact), .heard(.report(let report), let activity)):
            guard activity?.isBeingKilled != true, let before = replies[node], before.of == contact.process,
                case .report(let old) = before.outcome
            else { return true }
            return !report.tellsTheSame(as: old)
        case (.askSettings(let node, let contact, _), .settings(let values, let login, let script)):
            guard let old = check.settings[node], old.of == contact.process else { return true }
            return old.askedAt < settingsNeeded(node) || old.values != values || old.loginRefused != login
                || old.scriptRefused != script
        default: return true
        }
    }

    /// Answers to earlier queries say nothing about a node's directives now.
    func settingsNeeded(_ node: NodeName) -> Moment {
        [check.asked, reload?.at, changed[node]].compactMap { $0 }.reduce(began, max)
    }

    /// Whether an event that is no news needs no turn at all. The answers to `ask` do: a turn asks again, and keeps what they say.
    package func isRoutine(_ event: Event) -> Bool {
        if case .ended(.askSettings, _) = event { true } else { false }
    }
}

extension EffectKey.Kind {
    /// A question about directives alone: everything else that is under way changes something.
    fileprivate var isQuestion: Bool { self == .askSettings }
}

extension NodeReport {
    /// Apart from what changes all the time: offsets, sizes, load, and the times of pings.
    func tellsTheSame(as old: NodeReport) -> Bool {
        let (mine, theirs) = (replication, old.replication)
        let (kept, keptThen) = (persistence, old.persistence)
        return processID == old.processID && id == old.id && loading == old.loading
            && mine.role == theirs.role && mine.linkUp == theirs.linkUp && mine.syncInProgress == theirs.syncInProgress
            && mine.replicationID == theirs.replicationID && mine.connectedReplicas == theirs.connectedReplicas
            && mine.goodReplicas == theirs.goodReplicas && mine.fullSyncs == theirs.fullSyncs
            && clusterStateOK == old.clusterStateOK && currentEpoch == old.currentEpoch
            && holdsWrites == old.holdsWrites && settings == old.settings && isAppended == old.isAppended
            && kept.appendOnly == keptThen.appendOnly && kept.saving == keptThen.saving
            && kept.lastSaveOK == keptThen.lastSaveOK && view.tellsTheSame(as: old.view)
    }
}

extension NodesView {
    fileprivate func tellsTheSame(as old: NodesView) -> Bool {
        digest == old.digest && entries.count == old.entries.count
            && zip(entries, old.entries).allSatisfy { mine, theirs in
                mine.isCopy(of: theirs)
                    || mine.flags == theirs.flags && mine.linkConnected == theirs.linkConnected
                        && mine.migrating == theirs.migrating && mine.importing == theirs.importing
            }
    }
}
