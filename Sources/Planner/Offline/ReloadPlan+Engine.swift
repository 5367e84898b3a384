import ClusterModel

/// Another engine: running nodes keep theirs, and each gets the new one at its next start.
extension ReloadPlan {
    /// Notes the engine that `engine.server` names, and says what its change means.
    package mutating func take(_ new: Engine, _ record: Record?) {
        engine = new
        let others = Self.engines(record).filter { $0 != new }
        let key = ConfigurationKey.server.path
        guard applied.contains(key) || !others.isEmpty else { return }
        kept.append(
            "running nodes keep their engine: each starts with \(new) at its next start; to restart one replica, then the others: "
                + "clusterd rolling-restart --canary, clusterd rolling-restart --pending")
        for old in others where !old.loads(filesOf: new) {
            kept.append("there is no way back for a node that was in sync with \(new): \(old) cannot read its files")
        }
    }

    /// Why this engine must not be configured: nodes that ran a newer one would not start with it, or without their keys. nil: it may.
    package static func refusal(of new: Engine, _ record: Record?) -> String? {
        let newer = (record?.members ?? []).filter { member in
            member.program.map { !new.loads(filesOf: $0.engine) } ?? false
        }
        guard let first = newer.first?.program?.engine else { return nil }
        return "\(ConfigurationKey.server.path): \(new) cannot read the files that \(first) has written, on "
            + Turn.list(newer.map(\.name.text))
    }

    private static func engines(_ record: Record?) -> [Engine] {
        var found: [Engine] = []
        for engine in (record?.members ?? []).compactMap(\.program?.engine) where !found.contains(engine) {
            found.append(engine)
        }
        return found
    }
}
