import ClusterModel

/// What is wrong with a running cluster, derived from what its nodes report about themselves and about each other. A condition becomes a
/// finding once it has lasted longer than it would take to resolve on its own. Its sentence contains no number that changes from turn to
/// turn, so the finding is reported once.
extension Turn {
    /// Conditions that do not resolve on their own.
    static let standing = Duration.seconds(2)
    /// Views of roles and slots spread by gossip, one ping per second.
    static let gossip = Duration.seconds(6)
    /// Conditions that fluctuate under load.
    static let load = Duration.seconds(10)

    mutating func check(_ topology: Topology) {
        check.answers = seen.check.asked
        check.reloaded = seen.reload?.at
        reportHeldBack()
        guard decision.record?.stage == .formed, decision.record?.everReady == true else { return }
        checkSlots(topology)
        checkProcesses()
        checkViews(topology)
        checkStrangers()
        checkReplicas(topology)
        checkSyncLoops(topology)
        checkEstranged(topology)
        reportEmptyMasters(topology)
        checkSettings()
        checkReplicaLogin()
        checkEngines()
        checkPersistence()
        checkMemory()
        checkQuarantine()
        checkCertificates()
        check.unasked = members.filter { running($0.name) != nil && liveSettings($0) == nil }.map(\.name)
        check.lacksDisks = seen.disks.isEmpty
        check.lacksInspection = seen.check.inspection == nil
        if let asked = seen.check.asked, lacksFacts(since: asked) { check.isPending = true }
    }

    /// Reports a finding once the condition has held for `patience`; also in `status`, unless it is only a notice.
    /// - Parameter subject: what distinguishes this condition, and its finding, from others with the same code and node.
    mutating func suspect(
        _ finding: Finding, about subject: Condition.Subject? = nil, for patience: Duration, isNotice: Bool = false
    ) {
        let condition = Condition(code: finding.code, node: finding.node, shard: finding.shard, about: subject)
        check.conditions.append(condition)
        let due = (seen.check.since[condition] ?? now) + patience
        guard now >= due else {
            check.isPending = true
            return wake(at: due)
        }
        var finding = finding
        if let subject { finding.about = subject }
        if isNotice { check.notices.append(finding) } else { emit(finding) }
    }

    /// Whether this condition held in the last turn: a condition that begins at one threshold ends at another.
    func isSuspected(_ code: ReasonCode, _ node: NodeName) -> Bool {
        seen.check.since.keys.contains { $0.code == code && $0.node == node }
    }

    /// A running node that has not answered since this moment, or whose directives have not been read since.
    private func lacksFacts(since asked: Moment) -> Bool {
        if seen.check.inspection.map({ $0.askedAt < asked }) ?? true { return true }
        if seen.survey.map({ $0.askedAt < asked }) ?? true { return true }
        return members.contains { member in
            guard let process = running(member.name), lastHeard(member) != nil else { return false }
            guard let reply = seen.replies[member.name], reply.askedAt >= asked else { return true }
            guard case .report = reply.outcome else { return false }
            guard let settings = seen.check.settings[member.name], settings.of == process.identity else { return true }
            return settings.askedAt < asked
        }
    }

    /// The last report of a running node. Unlike `freshReply(from:)`, it stays available while newer facts are on their way: otherwise a
    /// finding would flicker with every query.
    func lastHeard(_ member: Member) -> NodeReport? {
        guard let report = nodeFacts(member.name)?.report, report.id == member.id else { return nil }
        return report
    }

    func isBeingRestarted(_ node: NodeName) -> Bool {
        decision.record?.operations.contains { $0.isOpen && $0.node == node } == true
    }

    static func list(_ names: [String]) -> String {
        names.count <= 6
            ? names.joined(separator: " ") : names.prefix(5).joined(separator: " ") + " and \(names.count - 5) more"
    }

    // MARK: slots

    private mutating func checkSlots(_ topology: Topology) {
        let missing = SlotSet.all.subtracting(topology.covered).subtracting(handedOverSlots(topology))
        if !missing.isEmpty {
            checkLostSlots(missing, topology)
        }
        for member in members where topology.owns(member.id) {
            let slots = topology.standings[member.id]?.slots ?? SlotSet()
            guard let report = lastHeard(member) else {
                suspect(
                    Finding(
                        .slotsNotServed, .error, node: member.name,
                        "\(slots.named) of \(member.name) \(slots.count == 1 ? "is" : "are") not served: it does not answer"
                    ),
                    about: .silence, for: Self.standing)
                continue
            }
            guard !report.clusterStateOK, missing.isEmpty else { continue }
            suspect(
                Finding(
                    .slotsNotServed, .error, node: member.name,
                    "\(member.name) serves none of its slots: it reports cluster_state:fail"), about: .clusterDown,
                for: Self.standing)
        }
        checkWrites(topology)
        checkOpenSlots()
        checkOwners(topology)
        checkMisplacedKeys(topology)
    }

    /// A slot between two nodes, left by an interrupted migration.
    private mutating func checkOpenSlots() {
        // What an operation moves is half moved on purpose.
        let underWay = slotsUnderWay
        var halves: [Int: [String]] = [:]
        var unseen: Set<Int> = []
        for member in members {
            // Valkey replicas report the same open slots as their master.
            guard let report = lastHeard(member), let myself = report.view.myself, myself.flags.contains(.master)
            else { continue }
            if !report.load.otherDatabases.isEmpty {
                unseen.formUnion((myself.migrating + myself.importing).map(\.slot))
            }
            for open in myself.migrating where !underWay.contains(open.slot) {
                halves[open.slot, default: []].append("\(member.name) is migrating it to \(name(open.node))")
            }
            for open in myself.importing where !underWay.contains(open.slot) {
                halves[open.slot, default: []].append("\(member.name) is importing it from \(name(open.node))")
            }
        }
        let slots = halves.keys.sorted()
        for slot in slots.prefix(5) {
            let repair = mayClose(slot) ? Repair.closeSlot(slot) : moveOfKeys(slot)
            var words = "slot \(slot) is half moved: \((halves[slot] ?? []).joined(separator: ", "))"
            var hint: String? = repair == nil ? nil : StrayFolders.hint
            if repair == nil, unseen.contains(slot) {
                // A move carries the keys of database 0 alone, and the engine deletes the others with the slot.
                words += "; a move would delete its keys outside database 0: move those with MIGRATE first"
            } else if repair == nil {
                hint = reshardToFinish(slot)
            }
            suspect(
                Finding(.slotOpen, .error, words, hint: hint, repair: repair),
                about: .slot(slot), for: Self.gossip)
        }
        if slots.count > 5 {
            suspect(
                Finding(.slotOpen, .error, "and \(slots.count - 5) more slots are half moved"), for: Self.gossip)
        }
    }

    /// Two nodes that both report a slot as their own.
    private mutating func checkOwners(_ topology: Topology) {
        let claims = members.compactMap { member in claim(of: member).map { (member, $0) } }
        for (index, one) in claims.enumerated() {
            for other in claims.dropFirst(index + 1) {
                let both = one.1.intersection(other.1)
                guard !both.isEmpty else { continue }
                suspect(
                    Finding(
                        .slotTwoOwners, .error,
                        "\(one.0.name) and \(other.0.name) both claim \(both.named)"),
                    about: .nodes(one.0.name, other.0.name), for: Self.standing)
            }
        }
    }

    func name(_ id: NodeID) -> String { find(id: id)?.name.text ?? id.short }
}
