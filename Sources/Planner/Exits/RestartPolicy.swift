import ClusterModel

/// Whether and when clusterd automatically restarts a node that has ended.
package enum RestartPolicy {
    /// After running this long without an end, a node's earlier ends no longer count.
    package static let stableTime = Duration.seconds(60)
    /// This many consecutive ends are a crash loop.
    package static let loopLength = 5
    /// After this many rejections of a nodes.conf, the last of them clusterd's own, another rewrite changes nothing.
    static let rewrites = 3

    /// Exponential backoff from the first to the last value of `restart-delay`, each delay jittered over its upper half.
    package static func retryAt(_ exit: NodeProcess.Exited, _ supervision: ClusterSpec.Supervision) -> Moment {
        if case .portTaken = exit.reason.kind { return exit.at }
        let doubled = supervision.restartDelay.first * (1 << min(max(exit.failures - 1, 0), 20))
        let delay = min(doubled, supervision.restartDelay.last).inNanoseconds
        let spread = Int64(exit.jitter % UInt64(max(1, delay / 2 + 1)))
        return exit.at + .nanoseconds(delay - spread)
    }

    /// Why clusterd does not automatically restart an ended node; nil: it does.
    package static func staysDown(
        _ exit: NodeProcess.Exited, _ policy: ClusterSpec.Supervision.Restart, isRepaired: Bool = false
    ) -> String? {
        if exit.reason.isHopeless, !isRepaired { return "clusterd does not restart it until that is repaired" }
        if exit.reason.kind == .badNodesFile, exit.repeats >= rewrites {
            return "clusterd does not restart it: clusterd itself wrote the file"
        }
        switch (policy, exit.reason.kind) {
        case (.never, _): return "supervision.restart is never"
        case (.onFailure, .clean): return "supervision.restart is on-failure, and a clean exit is not a failure"
        default: return nil
        }
    }
}

extension Turn {
    /// The cause of the end is gone: the configuration was reloaded, or the node takes its data from its master.
    func isRepaired(_ member: Member, _ exit: NodeProcess.Exited, _ topology: Topology) -> Bool {
        if let configured = seen.configured, configured > exit.at { return true }
        return takesDataFrom(member, topology) != nil
    }

    /// The master from which a replica gets all its data, when its own cannot be loaded: one that answers and owns the
    /// shard's slots. What the replica had is kept in quarantine.
    func takesDataFrom(_ member: Member, _ topology: Topology) -> Member? {
        guard exited(member.name)?.reason.dataUnreadable == true || lacksManifest(member),
            let id = topology.master(of: member.id), id != member.id,
            let master = find(id: id), let report = freshReply(from: master), !report.loading,
            report.replication.role == .master, report.view.myself?.slots.isEmpty == false
        else { return nil }
        return master
    }

    /// What the operator does about a node that stays down.
    func remedy(_ member: Member, _ exit: NodeProcess.Exited, _ topology: Topology) -> String {
        if exit.reason.dataUnreadable, let candidate = livingCandidate(of: member, topology) {
            return
                "clusterd failover \(candidate.name) --force: it is up and has the keys; \(member.name) then copies all of them from it"
        }
        let again = "clusterd restart-node \(member.name)"
        let names = seen.directory(at: member.directory)?.dataNames ?? DataFileNames()
        switch exit.reason.kind {
        case .badAppendOnlyFile:
            if let facts = seen.directory(at: member.directory), let trouble = facts.content.appendOnly?.trouble,
                facts.content.appendOnly?.directoryName != nil
            {
                return
                    "\(trouble): restore that file from a backup, or remove its line from the manifest (its contents are then "
                    + "lost), then: \(again)"
            }
            let file =
                seen.engine.isSevenOrLater
                ? "\(names.appendOnlyDirectory)/\(names.appendOnly).manifest" : names.appendOnly
            let (folder, copy) = (ShellWord.quoted(member.directory), ShellWord.quoted(member.directory + ".copy"))
            return "cp -a \(folder) \(copy) && \(seen.engine.name.rawValue)-check-aof --fix "
                + "\(ShellWord.quoted("\(member.directory)/\(file)")), then: \(again)"
        case .newerData:
            return
                "set engine.server to the engine that wrote the files, or a newer one, then: clusterd reload, then: \(again)"
        case .badDump: return "put another \(names.dump) into \(member.directory), then: \(again)"
        default: return again
        }
    }
}
