import ClusterModel

/// After a rolling restart that ended because a node did not come up: until the configuration changes or the next rolling restart, nodes
/// start with the program that they last ran well with.
package struct EngineHold: Sendable, Equatable, Codable {
    /// What the nodes did not get to run.
    package var configured: EngineSource
    /// The node that did not come up with it.
    package var node: NodeName

    package init(configured: EngineSource, node: NodeName) {
        self.configured = configured
        self.node = node
    }
}

/// With which server program a node starts.
extension Turn {
    var configuredProgram: EngineSource { EngineSource(server: spec.server, engine: seen.engine) }

    /// The configured program, or the last one with which the node was in sync, while the engines are held.
    func program(for member: Member) -> EngineSource {
        decision.record?.engineHold == nil ? configuredProgram : wayBack(of: member) ?? configuredProgram
    }

    /// Another program than the configured one, which the node ran well and which can load its files; nil: there is none. A program that was
    /// replaced in place is gone.
    func wayBack(of member: Member) -> EngineSource? {
        guard let last = member.program, last.server != spec.server else { return nil }
        if let facts = seen.directory(at: member.directory), !last.engine.loads(facts.content) { return nil }
        return last
    }

    /// Whether its last process was started from another program than the next one: the end of that one says nothing about the next.
    func changesProgram(_ member: Member) -> Bool {
        guard decision.record?.engineHold != nil, let last = member.startedFrom else { return false }
        return last != program(for: member).server
    }

    /// World before record: what a node that answers and is in sync runs.
    mutating func noteProgram(_ index: Int, _ report: NodeReport) {
        guard let member = decision.record?.members[index], !report.loading,
            report.replication.role == .master || isInSync(report)
        else { return }
        let isConfigured = member.program == nil && report.engine == seen.engine
        guard let server = member.startedFrom ?? (isConfigured ? spec.server : nil) else { return }
        let program = EngineSource(server: server, engine: report.engine)
        if member.program != program { set(\.program, program, at: index) }
    }

    /// A node of a rolling restart did not come up. Returns the failure, with what happens to the node now.
    mutating func holdEngines(
        _ restart: Operation.RestartNode, _ failure: OperationFailure
    ) -> OperationFailure {
        guard let member = find(restart.node), running(member.name)?.identity != restart.replaces,
            let last = member.program, last.server != spec.server
        else { return failure }
        set(\.engineHold, EngineHold(configured: configuredProgram, node: member.name))
        guard running(member.name) == nil else { return failure }
        return .engineHeld(member.name, wayBack(of: member), after: failure)
    }

    /// Another configuration ends the hold; until then it is a finding.
    mutating func tendEngineHold() {
        guard let hold = decision.record?.engineHold else { return }
        guard hold.configured == configuredProgram else { return set(\.engineHold, nil) }
        emit(
            Finding(
                .engineHeld, .warning,
                "\(hold.node) did not come up with \(hold.configured.words): nodes start with the engine that they ran "
                    + "before",
                hint:
                    "set engine.server back, then: clusterd reload; or repair the cause (clusterd logs \(hold.node)), then: "
                    + "clusterd rolling-restart --canary"))
    }

    /// Redis 6.2 would start without a key, and its replicas would drop theirs.
    mutating func isUnreadable(_ member: Member, _ survey: Observation.Survey) -> Bool {
        let engine = program(for: member).engine
        guard !engine.readsAppendOnlyFolder,
            let facts = survey.directories.first(where: { $0.path == member.directory }),
            let files = facts.content.appendOnly, let folder = files.directoryName,
            files.files.contains(where: { $0.evidence.holdsKeys })
        else { return false }
        emit(
            Finding(
                .filesTooNew, .error, node: member.name,
                "\(member.name) stays down: \(engine) does not read \(folder)/, where Redis 7.0 and later keep the append-only file, "
                    + "and would start without its keys",
                hint: "set engine.server to the engine that wrote the files, or a newer one, then: clusterd reload"))
        return true
    }
}
