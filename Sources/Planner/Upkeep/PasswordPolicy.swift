import ClusterModel

/// When the configured passwords are set on the running nodes, and the finding about a replica that cannot log in to its master.
extension Turn {
    /// After a reload, and before a node is restarted, all running nodes get the configured passwords: a node that starts has no others.
    /// The same applies if the configuration was changed while no clusterd ran, and a node has started since.
    mutating func applyPasswords() {
        guard seen.reload != nil || isRestartAsked || isMixedByStarts else { return }
        guard let steps = passwordSteps() else {
            check.isApplying = decision.check.isApplying || seen.reload != nil
            return
        }
        for (node, step) in steps {
            guard let member = find(node), let effect = effect(step, member) else { continue }
            let history = seen.effects[effect.key]
            // A password that was set once and has changed again was changed by hand: that waits for the next reload.
            if !isRestartAsked, let history, history.isDone, history.began >= passwordsAsked { continue }
            if seen.reload != nil { check.isApplying = true }
            guard !isBusy(node) else { continue }
            if history?.isDone == true { order(effect) } else { ensure(effect) }
        }
    }

    /// clusterd also writes the passwords that it has set to the node's redis.conf: a later daemon, with yet another password configured,
    /// reads there how to log in.
    mutating func keepLogins() {
        // Nothing was set.
        guard remembers(.configure) else { return }
        for member in members where !isBusy(member.name) {
            guard let contact = contact(member), let settings = liveSettings(member),
                seen.changed[member.name].map({ settings.askedAt >= $0 }) ?? true,
                let live = NodeLogin(settings.values), live == wantedLogin(member), wasSet(live, member, contact),
                let file = seen.redisConf(of: member), file.isGenerated, NodeLogin(file) != live
            else { continue }
            let effect = Effect.writeFiles(
                .init(
                    node: member.name, directory: member.directory, nodesFileName: member.nodesFileName, nodesFile: nil,
                    redisConf: RedisConfPlan.rewritten(file, of: member.name, with: live),
                    // Of the current start: the next one has its own.
                    incarnation: (seen.starts[member.name] ?? 0) - 1))
            if seen.effects[effect.key]?.isDone == true { order(effect) } else { ensure(effect) }
        }
    }

    private func wasSet(_ login: NodeLogin, _ member: Member, _ contact: Effect.Contact) -> Bool {
        login.values.contains { name, value in
            let effect = Effect.configure(member.name, contact, name: name, value: value)
            return seen.effects[effect.key]?.isDone == true
        }
    }

    /// What a restart waits for; nil: every running node has the configured passwords. A node that would come back with a password that the
    /// others neither require nor accept is not stopped.
    func passwordAdvance(_ story: Story) -> Advance? {
        if let refusal = passwordRefusal { return .failed(refusal) }
        guard let steps = passwordSteps(at: .any), !steps.isEmpty else { return nil }
        guard story.age(of: .settingPasswords) >= Self.agreementLimit else { return .working(.settingPasswords) }
        return .failed(.passwordsNotSet(on: steps.map(\.node)))
    }

    /// A running node that keeps another password than configured.
    private var passwordRefusal: OperationFailure? {
        for member in members {
            guard let contact = contact(member) else { continue }
            for difference in settingDifferences(member) where NodeLogin.directives.contains(difference.name) {
                let effect = Effect.configure(
                    member.name, contact, name: difference.name, value: difference.configured)
                guard isRefused(member, difference.name, difference.configured),
                    let words = seen.effects[effect.key]?.failure
                else { continue }
                return .passwordRefused(by: member.name, directive: difference.name, words)
            }
        }
        return nil
    }

    private var isRestartAsked: Bool {
        decision.record?.operations.contains { operation in
            guard operation.isOpen else { return false }
            switch operation.kind {
            case .restartNode, .rollingRestart: return true
            default: return false
            }
        } ?? false
    }

    /// A node was started with the configured passwords, and others still have those that they were started with, or the change is partly
    /// done. A change by hand is neither.
    private var isMixedByStarts: Bool {
        let nodes = members.compactMap { member -> (live: NodeLogin, started: NodeLogin, wanted: NodeLogin)? in
            guard running(member.name) != nil, let live = liveSettings(member).flatMap({ NodeLogin($0.values) }),
                let started = startedLogin(member)
            else { return nil }
            return (live, started, wantedLogin(member))
        }
        guard nodes.contains(where: { $0.started == $0.wanted }), nodes.contains(where: { $0.started != $0.wanted })
        else { return false }
        return nodes.contains { live, started, wanted in
            live != wanted && [started.user, wanted.user, "default"].contains(live.user)
                && [started.secret, wanted.secret].contains(live.secret)
                && [started.asked, wanted.asked].contains(live.asked)
        }
    }

    private var passwordsAsked: Moment { seen.reload?.at ?? seen.began }

    private func effect(_ step: PasswordChange.Step, _ member: Member) -> Effect? {
        contact(member).map { contact in
            switch step {
            case .set(let name, let value): .configure(member.name, contact, name: name, value: value)
            case .accept(let password): .acceptPassword(member.name, contact, password)
            }
        }
    }

    private enum SettingsAge { case any, sinceLastChange }

    /// nil: a node that answers has not yet reported its current passwords. clusterd does not wait for a node that does not answer, nor for
    /// one that refuses to report or change them.
    private func passwordSteps(at age: SettingsAge = .sinceLastChange) -> [(node: NodeName, step: PasswordChange.Step)]?
    {
        var nodes: [PasswordChange.Node] = []
        for member in members {
            guard running(member.name) != nil, lastHeard(member).map({ !$0.loading }) ?? false,
                vitals(member.name)?.silentSince == nil
            else { continue }
            let needed = [passwordsAsked, seen.changed[member.name]].compactMap { $0 }.max() ?? seen.began
            guard let settings = liveSettings(member), age == .any || settings.askedAt >= needed else {
                if age == .any { continue }
                return nil
            }
            guard let live = NodeLogin(settings.values) else { continue }
            var node = PasswordChange.Node(name: member.name, live: live, wanted: wantedLogin(member))
            if let contact = contact(member),
                let history = seen.effects[Effect.acceptPassword(member.name, contact, node.wanted.asked).key]
            {
                node.acceptsBoth = history.ended != nil && history.began >= passwordsAsked
            }
            nodes.append(node)
        }
        let hasAccessList = members.contains { member in
            configuredSettings(member).contains { ["aclfile", "user"].contains($0.name) && !$0.value.isEmpty }
        }
        let steps = PasswordChange.steps(nodes, bridges: !hasAccessList)
        return steps.filter { node, step in
            guard case .set(let name, let value) = step, let member = find(node) else { return true }
            return !isRefused(member, name, value)
        }
    }

    private func wantedLogin(_ member: Member) -> NodeLogin {
        var values: [String: String] = [:]
        for setting in configuredSettings(member) { values[setting.name] = setting.value }
        return NodeLogin(
            user: values["masteruser"] ?? "", secret: values["masterauth"] ?? "", asked: values["requirepass"] ?? "")
    }

    /// nil: its redis.conf was not read, or is not clusterd's.
    private func startedLogin(_ member: Member) -> NodeLogin? {
        seen.redisConf(of: member).flatMap { $0.isGenerated ? NodeLogin($0) : nil }
    }

    private struct LoginConflict {
        var login: NodeLogin
        var master: Member
        var asking: NodeLogin
    }

    /// A replica whose link is down, and whose login its master rejects.
    private func loginConflict(of replica: Member) -> LoginConflict? {
        guard let report = lastHeard(replica), report.replication.role == .replica, !report.replication.linkUp,
            let master = report.view.myself?.masterID.flatMap({ find(id: $0) }),
            let login = liveSettings(replica).flatMap({ NodeLogin($0.values) }),
            let asking = liveSettings(master).flatMap({ NodeLogin($0.values) }), !login.opens(asking.asked)
        else { return nil }
        return LoginConflict(login: login, master: master, asking: asking)
    }

    /// Why a replica cannot log in to its master: the engine writes that to its log only. nil: it can, as far as is known.
    func loginTrouble(of replica: Member) -> SyncObstacle? {
        guard let conflict = loginConflict(of: replica) else { return nil }
        let (login, master) = (conflict.login, conflict.master.name)
        let mismatch: LoginMismatch =
            conflict.asking.asked.isEmpty ? .notAsked : login.secret.isEmpty ? .notSent : .other
        return .login(replica: replica.name, master: master, mismatch)
    }

    mutating func checkReplicaLogin() {
        for replica in members {
            guard let trouble = loginTrouble(of: replica) else { continue }
            suspect(
                Finding(.replicaLoginRefused, .error, node: replica.name, trouble.words, hint: "clusterd reload"),
                for: Self.standing)
        }
    }
}
