/// A key of conf.d, described once: the reader knows its name from here, `config show` its value, and a reload what becomes of a change.
package struct ConfigurationKey: Sendable {
    /// What a reload does with another value.
    package enum Reload: Sendable {
        case applies
        /// From the next start of the daemon: until then the old value stays.
        case waitsForStart
        /// It describes what the cluster was formed with; a reload says so and changes nothing.
        case ofFormation
    }

    /// `cluster`, `engine`, `supervision` or `control`.
    package let section: String
    package let name: String
    package let reload: Reload
    /// The value as conf.d has it.
    package let text: @Sendable (ClusterSpec) -> String
    package let differs: @Sendable (ClusterSpec, ClusterSpec) -> Bool
    /// Gives the first the value of the second.
    package let keep: @Sendable (inout ClusterSpec, ClusterSpec) -> Void

    /// `cluster.min-free`
    package var path: String { "\(section).\(name)" }

    private init<Value: Equatable>(
        _ section: String, _ name: String, _ value: KeyPath<ClusterSpec, Value> & Sendable, _ reload: Reload,
        _ text: @escaping @Sendable (ClusterSpec) -> String
    ) {
        self.section = section
        self.name = name
        self.reload = reload
        self.text = text
        differs = { $0[keyPath: value] != $1[keyPath: value] }
        keep = { spec, old in
            guard let value = value as? WritableKeyPath<ClusterSpec, Value> else { return }
            spec[keyPath: value] = old[keyPath: value]
        }
    }

    /// In the order in which `config show` has them.
    package static let all: [ConfigurationKey] = [
        .init("cluster", "name", \.name, .waitsForStart) { $0.name },
        .init("cluster", "masters", \.masters, .ofFormation) { "\($0.masters)" },
        .init("cluster", "replicas", \.replicas, .ofFormation) { "\($0.replicas)" },
        .init("cluster", "ports", \.ports, .ofFormation) { $0.ports.configured },
        .init("cluster", "on-port-conflict", \.onPortConflict, .applies) { $0.onPortConflict.rawValue },
        .init("cluster", "port-wait", \.portWait, .applies) { $0.portWait.configured },
        .init("cluster", "bind", \.bind, .waitsForStart) { $0.bind.joined(separator: " ") },
        .init("cluster", "announce", \.announce, .waitsForStart) { $0.announce ?? "null" },
        .init("cluster", "data-dir", \.dataDirectory, .waitsForStart) { $0.dataDirectory },
        .init("cluster", "min-free", \.minimumFreeBytes, .applies) { $0.minimumFreeBytes.configuredBytes },
        .init("cluster", "memory-max", \.memoryMax, .applies) { $0.memoryMax?.configuredBytes ?? "null" },
        .init("engine", "server", \.server, .waitsForStart) { $0.server },
        .init("engine", "user", \.engineUser, .waitsForStart) { $0.engineUser ?? "null" },
        .init("engine", "auth-user", \.login?.user, .applies) { $0.login?.user ?? "null" },
        .init("engine", "auth-pass", \.login, .applies) { $0.login == nil ? "null" : "(hidden)" },
        .init("supervision", "failover", \.supervision.failover, .applies) { $0.supervision.failover.rawValue },
        .init("supervision", "failover-max-lag", \.supervision.failoverMaxLag, .applies) {
            $0.supervision.failoverMaxLag?.configuredBytes ?? "null"
        },
        .init("supervision", "hang-timeout", \.supervision.hangTimeout, .applies) {
            $0.supervision.hangTimeout.configured
        },
        .init("supervision", "restart", \.supervision.restart, .applies) { $0.supervision.restart.rawValue },
        .init("supervision", "restart-delay", \.supervision.restartDelay, .applies) {
            "\($0.supervision.restartDelay.first.configured)..\($0.supervision.restartDelay.last.configured)"
        },
        .init("supervision", "stop-timeout", \.supervision.stopTimeout, .applies) {
            $0.supervision.stopTimeout.configured
        },
        .init("control", "socket", \.control.socket, .waitsForStart) {
            $0.control.socket ?? $0.dataDirectory + "/control.sock"
        },
        .init("control", "group", \.control.group, .waitsForStart) { $0.control.group ?? "null" },
        .init("control", "metrics", \.control.metrics, .waitsForStart) { $0.control.metrics?.description ?? "null" },
    ]

    /// The names of each section, in the same order.
    package static let sections: [String: [String]] = Dictionary(grouping: all, by: \.section)
        .mapValues { $0.map(\.name) }
}

extension ClusterSpec.PortChoice {
    /// `7000`, `7000 7002`, `7000-7099`.
    fileprivate var configured: String {
        switch self {
        case .from(let port): String(port)
        case .list(let ports): ports.map(String.init).joined(separator: " ")
        case .range(let range): "\(range.lowerBound)-\(range.upperBound)"
        }
    }
}

extension Duration {
    /// As conf.d has it: `10s`, `200ms`.
    package var configured: String {
        let milliseconds = inMilliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}

extension Int64 {
    /// As conf.d has it: `512mb`.
    package var configuredBytes: String {
        let units: [(String, Int64)] = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)]
        let unit = units.first { self >= $0.1 && self % $0.1 == 0 }
        return unit.map { "\(self / $0.1)\($0.0)" } ?? String(self)
    }
}
