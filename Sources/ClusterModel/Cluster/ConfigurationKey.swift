/// A key of conf.d, described once: the reader, `config show`, a reload, and the test of the sample and the pages all use this description.
/// In the order in which `config show` has them. `NodeConfigurationKey` has the keys of single nodes.
package enum ConfigurationKey: String, CaseIterable, Hashable, Sendable {
    case clusterName = "cluster.name"
    case masters = "cluster.masters"
    case replicas = "cluster.replicas"
    case ports = "cluster.ports"
    case onPortConflict = "cluster.on-port-conflict"
    case portWait = "cluster.port-wait"
    case bind = "cluster.bind"
    case announce = "cluster.announce"
    case dataDirectory = "cluster.data-dir"
    case minimumFree = "cluster.min-free"
    case memoryMax = "cluster.memory-max"
    case server = "engine.server"
    case engineUser = "engine.user"
    case loginUser = "engine.auth-user"
    case loginPassword = "engine.auth-pass"
    case failover = "supervision.failover"
    case failoverMaxLag = "supervision.failover-max-lag"
    case hangTimeout = "supervision.hang-timeout"
    case restart = "supervision.restart"
    case restartDelay = "supervision.restart-delay"
    case stopTimeout = "supervision.stop-timeout"
    case failback = "supervision.failback"
    case controlSocket = "control.socket"
    case controlGroup = "control.group"
    case metrics = "control.metrics"

    /// What a reload does with another value.
    package enum Reload: Sendable {
        case applies
        /// From the next start of the daemon: until then the old value stays.
        case waitsForStart
        /// It describes what the cluster was formed with; a reload says so and changes nothing.
        case ofFormation
    }

    private struct Entry {
        let form: Form
        let reload: Reload

        init(_ form: Form, _ reload: Reload) {
            self.form = form
            self.reload = reload
        }
    }

    private var entry: Entry {
        switch self {
        case .clusterName: Entry(.name(\.name), .waitsForStart)
        case .masters: Entry(.count(\.masters, 1...1000), .ofFormation)
        case .replicas: Entry(.count(\.replicas, 0...100), .ofFormation)
        case .ports: Entry(.ports(\.ports), .ofFormation)
        case .onPortConflict: Entry(.choice(Choice(\.onPortConflict)), .applies)
        case .portWait: Entry(.duration(\.portWait), .applies)
        case .bind: Entry(.addresses(\.bind), .waitsForStart)
        case .announce: Entry(.host(\.announce), .waitsForStart)
        case .dataDirectory: Entry(.path(\.dataDirectory), .waitsForStart)
        case .minimumFree: Entry(.size(\.minimumFreeBytes), .applies)
        case .memoryMax: Entry(.memoryLimit(\.memoryMax), .applies)
        case .server: Entry(.text(\.server), .applies)
        case .engineUser: Entry(.optionalText(\.engineUser), .waitsForStart)
        case .loginUser: Entry(.loginUser, .applies)
        case .loginPassword: Entry(.loginPassword, .applies)
        case .failover: Entry(.choice(Choice(\.supervision.failover)), .applies)
        case .failoverMaxLag: Entry(.sizeOrNull(\.supervision.failoverMaxLag), .applies)
        case .hangTimeout: Entry(.duration(\.supervision.hangTimeout), .applies)
        case .restart: Entry(.choice(Choice(\.supervision.restart)), .applies)
        case .restartDelay: Entry(.durationRange(\.supervision.restartDelay), .applies)
        case .stopTimeout: Entry(.duration(\.supervision.stopTimeout), .applies)
        case .failback: Entry(.failback(\.supervision.failback), .applies)
        case .controlSocket: Entry(.socket(\.control.socket), .waitsForStart)
        case .controlGroup: Entry(.textOrNull(\.control.group), .waitsForStart)
        case .metrics: Entry(.networkAddress(\.control.metrics), .waitsForStart)
        }
    }

    package var form: Form { entry.form }
    package var reload: Reload { entry.reload }

    /// `cluster.min-free`
    package var path: String { rawValue }
    /// `cluster`, `engine`, `supervision` or `control`.
    package var section: String { String(rawValue.prefix { $0 != "." }) }
    /// `min-free`
    package var name: String { String(rawValue.drop { $0 != "." }.dropFirst()) }

    package static var all: [ConfigurationKey] { allCases }

    /// The names of each section, in the same order.
    package static let sections: [String: [String]] = Dictionary(grouping: all, by: \.section)
        .mapValues { $0.map(\.name) }
}
