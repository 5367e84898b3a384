import ClusterModel

/// What nodes use of the host, and the memory that `memory-max` allows them. A node starts with its limit; this keeps the limit as
/// configured, also if it was removed: the limits of nodes that are left running are lost when accounting is switched off for a restart of
/// clusterd.
extension Turn {
    static let usagePace = Duration.seconds(5)
    /// The kernel rounds a limit down by less than a page, of which the largest are 64 KB.
    static let limitRounding: Int64 = 65_536

    mutating func measureUsage() {
        guard members.contains(where: { running($0.name) != nil }) else { return }
        let due = seen.usage.map { $0.askedAt + Self.usagePace } ?? now
        guard now >= due else { return wake(at: due) }
        var processes: [NodeName: ProcessIdentity] = [:]
        for member in members { processes[member.name] = running(member.name)?.identity }
        ensure(.measureUsage(processes))
    }

    /// What a process used at the last look.
    func usage(_ member: Member) -> NodeUsage? {
        guard let process = running(member.name), let usage = seen.usage?.nodes[member.name],
            usage.of == process.identity
        else { return nil }
        return usage
    }

    mutating func limitMemory() {
        var without: [String] = []
        var outside: [String] = []
        for member in members {
            let wanted = spec.memoryMax(of: member.settingsName)
            guard let usage = usage(member) else { continue }
            guard usage.cgroup != nil, let memory = usage.memory else {
                guard wanted != nil else { continue }
                if seen.usage?.delegation == .withMemory {
                    outside.append(member.name.text)
                } else {
                    without.append(member.name.text)
                }
                continue
            }
            guard !Self.isHeld(wanted, by: memory) else { continue }
            limit(member, usage, to: wanted)
        }
        reportUnlimited(without, outside)
    }

    static func isHeld(_ wanted: Int64?, by memory: NodeUsage.MemoryControl) -> Bool {
        guard let wanted, let limit = memory.limit else { return wanted == memory.limit }
        return limit <= wanted && wanted - limit < limitRounding
    }

    private mutating func limit(_ member: Member, _ usage: NodeUsage, to wanted: Int64?) {
        if let wanted, usage.residentBytes >= wanted {
            return emit(
                Finding(
                    .memoryMaxExceeded, .warning, node: member.name,
                    "\(member.name) uses more memory than its memory-max of \(Disk.text(wanted)): clusterd does not limit it now, because the "
                        + "kernel would kill it immediately",
                    hint: "raise memory-max, or lower redis.maxmemory, then: clusterd reload"))
        }
        let effect = Effect.limitMemory(member.name, usage.of, wanted)
        if let history = seen.effects[effect.key], history.isDone, let ended = history.ended {
            // It was set, and has not been read again yet; or something else has changed it since.
            guard let usage = seen.usage, usage.askedAt > ended else { return }
            order(effect)
            return
        }
        if case .failed(let why, _) = ensure(effect, retryAfter: .seconds(5)) {
            return emit(
                Finding(
                    .memoryMaxNotHeld, .warning, node: member.name,
                    "memory-max is not enforced for \(member.name): \(why)", hint: "clusterd status \(member.name)"))
        }
        check.isApplying = true
    }

    private mutating func reportUnlimited(_ without: [String], _ outside: [String]) {
        if !without.isEmpty, let delegation = seen.usage?.delegation {
            let (why, hint): (String, String) =
                switch delegation {
                case .none(let why):
                    (
                        why,
                        "Delegate=memory in the unit (systemctl edit), then: systemctl restart; in a terminal: systemd-run --user "
                            + "--scope -p Delegate=memory clusterd up"
                    )
                case .withoutMemory(let why):
                    (
                        why,
                        "Delegate=memory in the unit, on a host that has the memory controller in cgroup v2 (docs/memory.md)"
                    )
                case .occupied(let why): (why, "clusterd rolling-restart")
                case .withMemory: ("", "")
                }
            emit(
                Finding(
                    .memoryMaxNotHeld, .warning, "memory-max is not enforced for \(Self.list(without)): \(why)",
                    hint: hint))
        }
        if let first = outside.first {
            emit(
                Finding(
                    .memoryMaxNotHeld, .warning, about: .nextStart,
                    "memory-max is not enforced for \(Self.list(outside)) until the next start: "
                        + "\(outside.count == 1 ? "it was" : "they were") started without a cgroup",
                    hint: outside.count == 1 ? "clusterd restart-node \(first)" : "clusterd rolling-restart"))
        }
    }
}
