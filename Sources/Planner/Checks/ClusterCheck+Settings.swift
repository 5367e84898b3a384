import ClusterModel

/// Directives, engines, persistence, memory and disk.
extension Turn {
    /// clusterd's connection to a node may be older than the node's password.
    private mutating func checkLogin() {
        for member in members {
            guard let words = liveSettings(member)?.loginRefused, lastHeard(member) != nil else { continue }
            suspect(
                Finding(
                    .loginRefused, .error, node: member.name,
                    "\(member.name) rejects new connections from clusterd (\(words)): its password was changed by hand; when the "
                        + "open connection closes, clusterd can neither monitor nor stop \(member.name)",
                    hint: "to restore the configured password: clusterd reload; or set redis.requirepass and "
                        + "redis.masterauth to the new one, then: clusterd reload; or, if an ACL was changed: clusterd "
                        + "restart-node \(member.name)"), for: .zero)
        }
    }

    mutating func checkSettings() {
        checkLogin()
        var pending: [String: [String]] = [:]
        for member in members {
            for difference in settingDifferences(member) {
                if difference.isPending {
                    pending[difference.name, default: []].append(member.name.text)
                    let index = decision.assessment.nodes.firstIndex { $0.name == member.name }
                    if let index { assessment.nodes[index].pendingRestart.append(difference.name) }
                    continue
                }
                let isSecret = SettingValue.isSecret(difference.name)
                suspect(
                    Finding(
                        .settingDiffers, .warning, node: member.name,
                        isSecret
                            ? "\(difference.name) of \(member.name) differs from the configuration (\(difference.origin))"
                            : "\(difference.name) of \(member.name) is '\(difference.live)', but the configuration says "
                                + "'\(difference.configured)' (\(difference.origin))",
                        hint: "clusterd reload"), about: .directive(difference.name), for: Self.standing)
            }
        }
        for member in members {
            for name in droppedSettings(member) {
                pending[name, default: []].append(member.name.text)
                let index = decision.assessment.nodes.firstIndex { $0.name == member.name }
                if let index { assessment.nodes[index].pendingRestart.append(name) }
            }
        }
        for (name, nodes) in pending.sorted(by: { $0.key < $1.key }) {
            suspect(
                Finding(
                    .restartPending, .info,
                    "\(name) takes its configured value on \(Self.list(nodes)) only after a restart",
                    hint: nodes.first.map { "clusterd restart-node \($0)" }), about: .directive(name), for: .zero)
        }
        checkEvenness()
    }

    /// Directives that the configuration does not set and that differ between nodes.
    private mutating func checkEvenness() {
        let heard = members.compactMap { member in
            liveSettings(member).map { live in
                (node: member.name.text, values: live.values, configured: configuredSettings(member).map(\.name))
            }
        }
        for name in ["appendfsync", "cluster-node-timeout", "maxmemory", "maxmemory-policy", "save"] {
            let values = heard.compactMap { node, values, configured -> (String, String)? in
                guard !configured.contains(name), let value = values[name] else { return nil }
                return (node, value)
            }
            let kinds = Set(values.map(\.1)).sorted()
            guard kinds.count > 1 else { continue }
            let words = kinds.map { kind in
                "'\(kind)' on \(Self.list(values.filter { $0.1 == kind }.map(\.0)))"
            }
            suspect(
                Finding(
                    .settingsUneven, .warning,
                    "\(name) differs between nodes: \(words.joined(separator: ", "))",
                    hint: "set redis.\(name) in the configuration, then: clusterd reload"),
                about: .directive(name), for: Self.standing)
        }
    }

    mutating func checkEngines() {
        let heard = members.compactMap { member in lastHeard(member).map { (member.name.text, $0.engine) } }
        let kinds = Set(heard.map { $0.1.description }).sorted()
        // From one engine to the configured one: `engine-replaced` names the nodes that still wait for it.
        let configured = seen.check.inspection?.engine
        let isChanging = kinds.count == 2 && configured.map { kinds.contains($0.description) } == true
        if kinds.count > 1, !isChanging {
            let words = kinds.map { kind in
                "\(kind) on \(Self.list(heard.filter { $0.1.description == kind }.map(\.0)))"
            }
            suspect(
                Finding(
                    .versionsDiffer, .warning, "the nodes run different engines: \(words.joined(separator: ", "))"),
                for: Self.standing)
        }
        guard let engine = seen.check.inspection?.engine else { return }
        let old = heard.filter { $0.1 != engine }.map(\.0)
        guard !old.isEmpty else { return }
        suspect(
            Finding(
                .engineReplaced, .info,
                "\(spec.server) is now \(engine); \(Self.list(old)) \(old.count == 1 ? "runs" : "run") another one until restarted",
                hint: "clusterd rolling-restart --canary, then: clusterd rolling-restart --pending"), for: Self.standing
        )
    }

    mutating func checkPersistence() {
        for member in members {
            guard let report = lastHeard(member) else { continue }
            let hint = "find the reason in \(member.directory)/redis.log"
            let failure = contact(member).flatMap { seen.effects[Effect.save(member.name, $0).key]?.failure }
            if !report.persistence.lastSaveOK {
                suspect(
                    Finding(
                        .persistenceFailing, .error, node: member.name,
                        "the last save of \(member.name) failed: \(member.name) may reject writes until a save succeeds"
                            + (failure.map { " (\($0))" } ?? ""), hint: failure.flatMap(SaveTrouble.hint) ?? hint),
                    for: .zero)
            }
            if !report.persistence.lastAppendOK {
                suspect(
                    Finding(
                        .persistenceFailing, .error, node: member.name, about: .appendOnlyFile,
                        "\(member.name) cannot write to its append-only file and rejects writes", hint: hint),
                    for: .zero)
            }
        }
    }

    mutating func checkMemory() {
        var unlimited: [String] = []
        for member in members {
            guard let report = lastHeard(member) else { continue }
            guard let limit = report.load.maxMemoryBytes else {
                unlimited.append(member.name.text)
                continue
            }
            // A cache that evicts old keys is expected to be full.
            guard liveSettings(member)?.values["maxmemory-policy"] == "noeviction" else { continue }
            let percent: Int64 = isSuspected(.memoryHigh, member.name) ? 85 : 90
            guard report.load.memoryBytes >= limit / 100 * percent else { continue }
            suspect(
                Finding(
                    .memoryHigh, .warning, node: member.name,
                    "\(member.name) uses at least 90% of its maxmemory of \(Self.size(limit)); at the limit, writes fail "
                        + "(maxmemory-policy noeviction)",
                    hint: "raise redis.maxmemory in the configuration, then: clusterd reload"), for: Self.load)
        }
        if !unlimited.isEmpty, unlimited.count == members.count {
            suspect(
                Finding(
                    .memoryUnlimited, .info,
                    "no node has a memory limit: under load the kernel may kill a node when memory runs out",
                    hint: "set redis.maxmemory in the configuration, then: clusterd reload"), for: .zero, isNotice: true
            )
        } else if !unlimited.isEmpty {
            suspect(
                Finding(
                    .memoryUnlimited, .info,
                    "\(Self.list(unlimited)) \(unlimited.count == 1 ? "has" : "have") no memory limit",
                    hint: "set redis.maxmemory in the configuration, then: clusterd reload"), for: .zero, isNotice: true
            )
        }
    }

    /// clusterd never empties the quarantine automatically.
    mutating func checkQuarantine() {
        guard let inspection = seen.check.inspection else { return }
        let limit = max(Int64(1) << 30, (seen.freeBytes ?? 0) / 10)
        guard inspection.quarantineBytes > limit || inspection.quarantineFolders > 100 else { return }
        suspect(
            Finding(
                .quarantineLarge, .warning,
                "\(spec.dataDirectory)/quarantine holds more than \(inspection.quarantineFolders > 100 ? "100 folders" : Self.size(limit))",
                hint: "clusterd quarantine list"), for: .zero)
    }
}
