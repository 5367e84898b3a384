import ClusterModel

/// Directives as configured and as they are live, and what clusterd queries and corrects.
extension Turn {
    /// How often clusterd queries the directives of a node at rest.
    static let settingsPace = Duration.seconds(5)
    /// Nodes queried in one turn, and the time until the next ones are.
    private static let settingsBatch = 16
    private static let settingsPause = Duration.milliseconds(50)
    static let inspectionPace = Duration.seconds(30)

    /// Queried on every node, configured or not: what operators change by hand, and what the checks use.
    static let importantSettings =
        [
            "appendfsync", "appendonly", "bind", "cluster-announce-ip", "cluster-node-timeout", "maxmemory",
            "maxmemory-policy", "port", "repl-backlog-size", "replica-serve-stale-data", "save", "tls-port",
        ] + NodeLogin.directives

    /// One configured directive whose live value differs.
    struct SettingDifference: Equatable {
        var name: String
        var configured: String
        var live: String
        var origin: ClusterSpec.Origin
        /// It takes effect at the next start of the node: the engine does not change it while it runs, or has refused to.
        var isPending: Bool
    }

    /// A rarer and slower query than `ask`, so that the frequent one stays small.
    mutating func askRarely() {
        var questions: [(member: Member, contact: Effect.Contact, due: Moment)] = []
        for member in members {
            guard let contact = contact(member), let report = freshReply(from: member), !report.loading else {
                continue
            }
            let due =
                liveSettings(member).map { last in
                    last.askedAt < settingsNeeded(member) ? now : last.askedAt + Self.settingsPace
                } ?? now
            questions.append((member, contact, due))
        }
        // Nodes that will be due soon are queried with those that are due, as in `ask`; not all nodes of a large cluster at once, because
        // each query opens a connection.
        let isTime = questions.contains { now >= $0.due }
        let soon = questions.count { now + Self.settingsPace / 4 >= $0.due }
        questions.sort { ($0.due, $0.member.name) < ($1.due, $1.member.name) }
        for (place, (member, contact, due)) in questions.enumerated() {
            if isTime, place < min(soon, Self.settingsBatch) {
                ensure(.askSettings(member.name, contact, names: settingNames(member)))
            } else {
                wake(at: isTime ? max(due, now + Self.settingsPause) : due)
            }
        }
        let due = seen.check.inspection.map { last in
            let needed = [seen.check.asked, seen.reload?.at].compactMap { $0 }.max() ?? seen.began
            return last.askedAt < needed ? now : last.askedAt + Self.inspectionPace
        }
        if now >= due ?? now { ensure(.inspect) }
    }

    func settingsNeeded(_ member: Member) -> Moment { seen.settingsNeeded(member.name) }

    private func settingNames(_ member: Member) -> [String] {
        Set(Self.importantSettings + configuredSettings(member).map(\.name)).subtracting(["user", "loadmodule"])
            .sorted()
    }

    /// The live directives of a node, from the last answer of its process, however old.
    func liveSettings(_ member: Member) -> SettingsReply? { nodeFacts(member.name)?.settings }

    /// The settings of conf.d for a node, each directive once, in the order in which they were written.
    func configuredSettings(_ member: Member) -> [ConfiguredSetting] {
        guard let own = spec.overrides[member.settingsName]?.directives, !own.isEmpty else { return sharedSettings }
        return Self.configuredSettings(spec, overriding: own)
    }

    typealias ConfiguredSetting = (name: String, value: String, origin: ClusterSpec.Origin)

    static func configuredSettings(
        _ spec: ClusterSpec, overriding: [ClusterSpec.Directive] = []
    ) -> [ConfiguredSetting] {
        let names = Set(overriding.map(\.name))
        let all = spec.directives.filter { !names.contains($0.name) } + overriding
        var found: [ConfiguredSetting] = []
        for directive in all where !found.contains(where: { $0.name == directive.name }) {
            let lines = all.filter { $0.name == directive.name }.map(\.arguments)
            found.append((directive.name, SettingValue.joined(lines), directive.origin))
        }
        return found
    }

    /// Where a node differs from the configuration. A directive that its engine does not show is not compared, and `appendonly` is
    /// corrected automatically (invariant: settings-restored).
    func settingDifferences(_ member: Member) -> [SettingDifference] {
        guard let live = liveSettings(member) else { return [] }
        let configured = configuredSettings(member)
        // A value that is not configured is empty: a node that has a password then has one too many.
        let absent: [ConfiguredSetting] = NodeLogin.directives.filter { name in !configured.contains { $0.name == name }
        }
        .map { ($0, "", .builtIn) }
        return (configured + absent).compactMap { name, value, origin in
            guard name != "appendonly", let now = live.values[name], !SettingValue.isSame(name, value, live: now) else {
                return nil
            }
            return SettingDifference(
                name: name, configured: value, live: now, origin: origin,
                isPending: SettingValue.isFixed(name) || isRefused(member, name, value))
        } + addressDifferences(live)
    }

    /// A daemon that starts with another `cluster.bind` or `cluster.announce` over running nodes: they keep their addresses until each
    /// node's next start.
    private func addressDifferences(_ live: SettingsReply) -> [SettingDifference] {
        [("bind", spec.bind.joined(separator: " ")), ("cluster-announce-ip", spec.announce ?? "")].compactMap {
            name, configured in
            guard let now = live.values[name], now != configured else { return nil }
            return SettingDifference(name: name, configured: configured, live: now, origin: .builtIn, isPending: true)
        }
    }
}
