import ClusterModel

/// The answer of `clusterd check`: every finding, and for each subject without a finding one sentence that says so.
package struct HealthReport: Sendable, Equatable {
    package var findings: [Finding]
    package var passed: [String] = []

    /// No error; the operator judges warnings.
    package var isHealthy: Bool { !findings.contains { $0.severity == .error } }

    package init(_ decision: Decision, _ spec: ClusterSpec) {
        findings = decision.findings + decision.check.notices
        guard let record = decision.record, record.stage == .formed, record.everReady else {
            findings.append(
                Finding(
                    .notFormed, .error,
                    "the cluster is still being formed\(decision.waits.first.map { ": waiting \($0.words)" } ?? "")",
                    hint: "clusterd wait ready"))
            return
        }
        if decision.assessment.phase == .stopping {
            findings.append(Finding(.stopping, .error, "the cluster is being stopped"))
            return
        }
        findings.sort { ($0.severity, $1.code.rawValue) > ($1.severity, $0.code.rawValue) }
        let bad = Set(findings.filter { $0.severity > .info }.map(\.code))
        var unknown: [(why: String, subjects: [String])] = []
        for subject in Subject.allCases where bad.isDisjoint(with: subject.codes) {
            switch subject.verdict(decision, record, spec) {
            case .passed(let sentence): passed.append(sentence)
            case .notChecked(let why):
                let index = unknown.firstIndex { $0.why == why } ?? unknown.endIndex
                if index == unknown.endIndex { unknown.append((why, [])) }
                unknown[index].subjects.append("\(subject)")
            case .nothing: break
            }
        }
        findings += unknown.map { why, subjects in
            Finding(.notChecked, .info, "not checked: \(subjects.joined(separator: ", ")): \(why)")
        }
    }

    /// The subjects of a check, most important first.
    enum Subject: CaseIterable {
        case slots, nodes, views, replicas, settings, engines, persistence, memory, disk, certificates

        /// The finding codes that count against this subject.
        var codes: Set<ReasonCode> {
            switch self {
            case .slots:
                [
                    .slotsUncovered, .slotsNotServed, .slotTwoOwners, .slotOpen, .slotsUnknown,
                    .writesRefused, .keysMisplaced,
                ]
            case .nodes:
                [
                    .nodeDown, .nodeNotRunning, .nodeUnreachable, .crashLoop, .cannotStart,
                    .directoryInUse, .portTaken, .nodeHung, .nodeBusy, .nodeRefuses, .nodeUnkillable,
                    .clientsPaused, .nodeReset, .filesTooNew,
                    .hostTrouble,
                ]
            case .views: [.viewsDiffer, .ghostNode, .foreignNode, .nodeReset, .masterWithoutSlots]
            case .replicas:
                [
                    .replicasMissing, .replicaMisplaced, .linkDown, .syncLoop, .replicaLag, .writesRefused,
                    .nodeReset,
                    .masterWithoutSlots,
                ]
            case .settings: [.settingDiffers, .settingsUneven]
            case .engines: [.versionsDiffer, .engineHeld]
            case .persistence: [.persistenceFailing, .recordNotWritten, .diskHangs]
            case .memory: [.memoryHigh, .memoryMaxExceeded, .memoryMaxNotHeld]
            case .disk: [.diskLow, .diskFull, .reserveMissing, .quarantineLarge]
            case .certificates: [.certificateEnds, .certificateEnded, .certificateUnusable]
            }
        }

        /// What is known about a subject without findings.
        enum Verdict {
            case passed(String)
            /// The facts that the check needs were not seen.
            case notChecked(String)
            /// The check does not apply here, or another finding covers it.
            case nothing
        }

        func verdict(_ decision: Decision, _ record: Record, _ spec: ClusterSpec) -> Verdict {
            let assessment = decision.assessment
            let wanted = record.members.filter { $0.wanted == .running }
            let heard = wanted.compactMap { assessment.node($0.name)?.report }
            let silent = wanted.filter { assessment.node($0.name)?.report == nil }.map(\.name.text)
            let why = "\(Turn.list(silent)) \(silent.count == 1 ? "does" : "do") not answer"
            switch self {
            // The wording of redis-cli.
            case .slots:
                return assessment.serving
                    ? .passed("All \(SlotSet.slotCount) slots covered.")
                    : .notChecked(silent.isEmpty ? "a master does not serve its slots at the moment" : why)
            case .disk:
                return decision.check.lacksDisks
                    ? .notChecked("the disk was not read yet")
                    : .passed("The disk of \(spec.dataDirectory) has enough free space.")
            case .certificates:
                guard spec.speaksTLS else { return .nothing }
                return decision.check.lacksInspection
                    ? .notChecked("the certificates were not read yet")
                    : .passed("All certificates are valid for at least \(CertificateReading.notice) days.")
            default: break
            }
            guard silent.isEmpty, !heard.isEmpty else { return .notChecked(silent.isEmpty ? "no node runs" : why) }
            switch self {
            case .nodes:
                let stopped = record.members.filter { $0.wanted == .stopped }.map(\.name.text)
                return .passed(
                    "\(heard.count) of \(record.members.count) nodes run and answer"
                        + (stopped.isEmpty ? "." : "; stopped by command: \(Turn.list(stopped))."))
            case .views:
                return assessment.progress.agreeing == wanted.count
                    ? .passed("All nodes agree on roles and slots.")
                    : .notChecked("not every node has answered since the last role change")
            case .replicas:
                guard spec.replicas > 0 else { return .nothing }
                let isFull = assessment.shards.allSatisfy { $0.replicasInSync.count >= spec.replicas }
                guard isFull, !assessment.shards.isEmpty else { return .nothing }
                return .passed(
                    "Every master has its \(spec.replicas == 1 ? "replica" : "\(spec.replicas) replicas"), in sync.")
            case .settings:
                let unasked = decision.check.unasked.map(\.text)
                guard unasked.isEmpty else { return .notChecked("\(Turn.list(unasked)) did not report the settings") }
                return assessment.nodes.allSatisfy(\.pendingRestart.isEmpty)
                    ? .passed("Directives match the configuration.") : .nothing
            case .engines:
                let engine = heard[0].engine
                return heard.allSatisfy { $0.engine == engine } ? .passed("All nodes run \(engine).") : .nothing
            case .persistence:
                return .passed(
                    heard.allSatisfy(\.persistence.appendOnly)
                        ? "Saves and append-only files are written." : "No save has failed.")
            case .memory:
                let isBelow = heard.allSatisfy { report in
                    report.load.maxMemoryBytes.map { report.load.memoryBytes < $0 / 100 * 90 } ?? false
                }
                return isBelow ? .passed("Memory use is below the limits.") : .nothing
            case .slots, .disk, .certificates: return .nothing
            }
        }
    }
}
