import ClusterModel

/// What another configuration changes in a running cluster: what takes effect immediately, what the nodes are told, what waits for a start,
/// and what a reload does not do.
package struct ReloadPlan: Sendable, Equatable {
    /// What takes effect now: the new configuration, except for what clusterd reads only when it starts.
    package var spec: ClusterSpec
    /// Keys that take effect immediately.
    package var applied: [String] = []
    /// Directives with another value, or removed: each is set live where the engine allows it.
    package var directives: [String] = []
    /// Directives that are no longer configured: the engine's own default applies from each node's next start.
    package var dropped: [String] = []
    /// Keys that take effect from clusterd's next start.
    package var heldBack: [String] = []
    /// What stays as it is, in sentences.
    package internal(set) var kept: [String] = []
    /// Other numbers of masters and replicas than before, in a sentence; nil: the same.
    package private(set) var shape: String?
    /// What a reload does not do, in sentences.
    package var later: [String] { (shape.map { [$0] } ?? []) + kept }
    /// The engine that `engine.server` names now; nil: it was not read again.
    package var engine: Engine?

    package init(from old: ClusterSpec, to new: ClusterSpec) {
        spec = new
        for key in ConfigurationKey.all where key.differs(old, new) {
            switch key.reload {
            case .applies: applied.append(key.path)
            case .waitsForStart:
                heldBack.append(key.path)
                key.keep(&spec, old)
            case .ofFormation: break
            }
        }
        for key in NodeConfigurationKey.all {
            switch key.reload {
            case .applies: applied += key.differences(old, new).map { key.path(of: $0) }
            case .ofFormation: break
            }
        }
        if old.masters != new.masters || old.replicas != new.replicas {
            shape =
                "the configuration now has \(new.masters) masters with \(new.replicas) replicas each: clusterd plan shows how to "
                + "get there, and clusterd apply does it"
        }
        if old.ports != new.ports { kept.append("the nodes keep the ports that they were formed with") }
        if !NodeConfigurationKey.dataDirectory.differences(old, new).isEmpty {
            kept.append("the nodes keep the folders that they were formed with")
        }
        holdTLS(old)
        compareDirectives(old, spec)
    }

    /// Nodes with and without TLS cannot form one cluster: TLS is switched while no node runs.
    private mutating func holdTLS(_ old: ClusterSpec) {
        guard old.speaksTLS != spec.speaksTLS else {
            if spec.speaksTLS { applied.append("certificates") }
            return
        }
        func held(_ directives: [ClusterSpec.Directive], _ former: [ClusterSpec.Directive]) -> [ClusterSpec.Directive] {
            directives.filter { !$0.name.hasPrefix("tls-") } + former.filter { $0.name.hasPrefix("tls-") }
        }
        spec.directives = held(spec.directives, old.directives)
        spec.overrides = Dictionary(
            uniqueKeysWithValues: spec.overrides.map { name, override in
                var kept = override
                kept.directives = held(override.directives, old.overrides[name]?.directives ?? [])
                return (name, kept)
            })
        kept.append(
            "TLS is switched \(old.speaksTLS ? "off" : "on") while no node runs: clusterd stop, then start it again")
    }

    package var changesNothing: Bool {
        applied.isEmpty && directives.isEmpty && heldBack.isEmpty && later.isEmpty
    }

    private mutating func compareDirectives(_ old: ClusterSpec, _ new: ClusterSpec) {
        func lines(_ directives: [ClusterSpec.Directive]) -> [String: [[String]]] {
            Dictionary(grouping: directives, by: \.name).mapValues { $0.map(\.arguments) }
        }
        var changed = Set<String>()
        var gone = Set<String>()
        let pairs = Set(old.overrides.keys).union(new.overrides.keys).sorted().map { name in
            (old.overrides[name]?.directives ?? [], new.overrides[name]?.directives ?? [])
        }
        for (before, after) in [(old.directives, new.directives)] + pairs {
            let (before, after) = (lines(before), lines(after))
            changed.formUnion(Set(before.keys).union(after.keys).filter { before[$0] != after[$0] })
            gone.formUnion(before.keys.filter { after[$0] == nil })
        }
        directives = changed.sorted()
        // A removed password is also removed from the running nodes.
        dropped = gone.filter { name in
            !new.directives.contains { $0.name == name } && !NodeLogin.directives.contains(name)
        }.sorted()
    }
}

/// The last reload, for the turns after it.
package struct ReloadFacts: Sendable, Equatable {
    package var at: Moment
    package var heldBack: [String]
    /// Since when a directive is no longer configured.
    package var dropped: [String: Moment]

    package init(_ plan: ReloadPlan, after last: ReloadFacts?, at now: Moment) {
        at = now
        heldBack = plan.heldBack
        dropped = last?.dropped ?? [:]
        for name in plan.dropped { dropped[name] = now }
        for name in dropped.keys where plan.spec.directives.contains(where: { $0.name == name }) { dropped[name] = nil }
    }
}

extension Turn {
    /// After a reload, each directive whose live value differs from the configuration is set once; what the engine rejects waits for the
    /// node's next start.
    mutating func applyConfiguration() {
        guard let reload = seen.reload else { return }
        check.unreached = members.compactMap { unreached($0, since: reload.at) }
        for member in members {
            guard let contact = contact(member), let last = lastHeard(member), !last.loading else { continue }
            guard freshReply(from: member) != nil else {
                // It was told something, and has not answered since.
                check.isApplying = true
                continue
            }
            guard let settings = liveSettings(member), settings.askedAt >= reload.at else {
                check.isApplying = true
                continue
            }
            if loadCertificates(member, contact, since: reload.at) { check.isApplying = true }
            let differences = settingDifferences(member).filter { difference in
                // Passwords are set across all nodes together (`applyPasswords`).
                !difference.isPending && !NodeLogin.directives.contains(difference.name)
                    && !(spec.speaksTLS && ClusterSpec.certificateDirectives.contains(difference.name))
            }.sorted { $0.name < $1.name }
            for difference in differences {
                let effect = Effect.configure(
                    member.name, contact, name: difference.name, value: difference.configured)
                let history = seen.effects[effect.key]
                if let history, history.began >= reload.at, history.isDone { continue }
                check.isApplying = true
                guard !isBusy(member.name) else { break }
                if history?.isDone == true { order(effect) } else { ensure(effect) }
                break
            }
            if settings.askedAt < settingsNeeded(member) { check.isApplying = true }
        }
    }

    /// Why this running node's settings since then are unknown; nil: they are known, or the node does not run and reads everything at its
    /// start.
    private func unreached(_ member: Member, since asked: Moment) -> Unreached? {
        guard let process = running(member.name), process.since < asked else { return nil }
        let reply = seen.replies[member.name].flatMap { $0.of == process.identity ? $0 : nil }
        func node(_ why: String, isOnItsWay: Bool = false) -> Unreached {
            Unreached(node: member.name, why: why, isOnItsWay: isOnItsWay)
        }
        switch reply?.outcome {
        case _ where reply?.isLoading == true: return node("it is loading its data", isOnItsWay: true)
        case .answered(let words): return node("it rejects clusterd: \(words)")
        case .report(let report) where report.id != member.id: return node("another node answers on its port")
        case .silent, .refused, nil: return node("it does not answer")
        case .report:
            if let settings = liveSettings(member), settings.askedAt >= asked { return nil }
            return node("it has not reported its settings yet", isOnItsWay: true)
        }
    }

    /// The TLS files may have changed even if their paths have not, and a node cannot report what it has read: each reload makes the nodes
    /// read them again. What the engine rejects is reported, and tried again at the next reload.
    private mutating func loadCertificates(_ member: Member, _ contact: Effect.Contact, since asked: Moment) -> Bool {
        guard spec.speaksTLS, running(member.name).map({ $0.since < asked }) ?? false else { return false }
        let files = configuredSettings(member).filter { ClusterSpec.certificateDirectives.contains($0.name) }
        let effect = Effect.loadCertificates(member.name, contact, files.map { .init(name: $0.name, value: $0.value) })
        if let history = seen.effects[effect.key], history.began >= asked { return history.isUnderWay }
        if !isBusy(member.name) { order(effect) }
        return true
    }

    /// The engine itself has said that it does not change this directive while it runs.
    func isRefused(_ member: Member, _ name: String, _ value: String) -> Bool {
        guard let contact = contact(member) else { return false }
        let key = Effect.configure(member.name, contact, name: name, value: value).key
        return seen.effects[key]?.failure.map { EngineErrorReply($0).isRefusal } ?? false
    }

    /// Directives that were removed from the configuration while this process ran.
    func droppedSettings(_ member: Member) -> [String] {
        guard let process = running(member.name), let reload = seen.reload else { return [] }
        let configured = Set(configuredSettings(member).map(\.name))
        return reload.dropped.filter { process.since < $0.value && !configured.contains($0.key) }.keys.sorted()
    }

    mutating func reportHeldBack() {
        guard let keys = seen.reload?.heldBack, !keys.isEmpty else { return }
        emit(
            Finding(
                .daemonRestartPending, .info,
                "\(keys.joined(separator: ", ")) \(keys.count == 1 ? "takes" : "take") effect only when clusterd starts again",
                hint: "clusterd reexec: the nodes keep running"))
    }
}
