import ClusterModel

/// What `clusterd check` answers: every finding, and for each subject without one a sentence that says so.
package struct HealthReport: Sendable, Equatable {
    package var findings: [Finding]
    package var passed: [String] = []

    /// No error; warnings are for people to weigh.
    package var isHealthy: Bool { !findings.contains { $0.severity == .error } }

    package init(_ decision: Decision, _ spec: ClusterSpec) {
        findings = decision.findings + decision.check.notices
        guard let record = decision.record, record.stage == .formed, record.everReady else {
            findings.append(
                Finding(
                    "not-formed", .error,
                    "the cluster is still being formed\(decision.waits.first.map { ": waiting \($0)" } ?? "")",
                    hint: "clusterd wait ready"))
            return
        }
        if decision.assessment.phase == .stopping {
            findings.append(Finding("stopping", .error, "the cluster is being stopped"))
            return
        }
        findings.sort { ($0.severity, $1.code) > ($1.severity, $0.code) }
        let bad = Set(findings.filter { $0.severity > .info }.map(\.code))
        for subject in Subject.allCases where bad.isDisjoint(with: subject.codes) {
            if let sentence = subject.sentence(decision, spec) { passed.append(sentence) }
        }
    }

    /// What is looked at, in the order in which it matters.
    enum Subject: CaseIterable {
        case slots, nodes, views, replicas, settings, engines, persistence, memory, disk, certificates

        /// What would speak against it.
        var codes: Set<String> {
            switch self {
            case .slots: ["slots-uncovered", "slots-not-served", "slot-two-owners", "slot-open", "slots-unknown"]
            case .nodes:
                [
                    "node-down", "node-not-running", "node-unreachable", "crash-loop", "cannot-start",
                    "directory-in-use", "port-taken", "node-hung", "node-busy", "node-refuses", "node-unkillable",
                    "host-trouble",
                ]
            case .views: ["views-differ", "ghost-node", "foreign-node"]
            case .replicas: ["replicas-missing", "replica-misplaced", "link-down", "replica-lag"]
            case .settings: ["setting-differs", "settings-uneven"]
            case .engines: ["versions-differ"]
            case .persistence: ["persistence-failing", "record-not-written"]
            case .memory: ["memory-high"]
            case .disk: ["disk-low", "disk-full", "reserve-missing", "quarantine-large"]
            case .certificates: ["certificate-ends", "certificate-ended", "certificate-unusable"]
            }
        }

        func sentence(_ decision: Decision, _ spec: ClusterSpec) -> String? {
            let assessment = decision.assessment
            let heard = assessment.nodes.filter { $0.report != nil }
            switch self {
            // As redis-cli says it.
            case .slots: return assessment.serving ? "All \(SlotSet.slotCount) slots covered." : nil
            case .nodes: return "\(heard.count) of \(assessment.progress.wanted) nodes run and answer."
            case .views: return "All nodes agree on who is what."
            case .replicas:
                return spec.replicas == 0
                    ? nil
                    : "Every master has its \(spec.replicas == 1 ? "replica" : "\(spec.replicas) replicas"), in sync."
            case .settings: return "Directives are as configured."
            case .engines: return heard.first?.report.map { "All nodes run \($0.engine)." }
            case .persistence: return "Saves and append-only files are written."
            case .memory:
                return heard.contains { $0.report?.load.maxMemoryBytes != nil } ? "Memory is below its limits." : nil
            case .disk: return "There is room on the disk of \(spec.dataDirectory)."
            case .certificates:
                return spec.speaksTLS
                    ? "All certificates are good for \(CertificateReading.notice) days or more." : nil
            }
        }
    }
}
