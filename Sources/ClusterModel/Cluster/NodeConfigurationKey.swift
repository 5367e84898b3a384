/// A key that conf.d may have for a single node, under `nodes:`, described once. A node's directives (`nodes.7002.redis`) are not keys: the
/// engine knows them.
package enum NodeConfigurationKey: String, CaseIterable, Hashable, Sendable {
    case dataDirectory = "data-dir"
    case memoryMax = "memory-max"

    package static var all: [NodeConfigurationKey] { allCases }

    /// `memory-max`
    package var name: String { rawValue }
    /// `nodes.7002.memory-max`
    package func path(of node: NodeName) -> String { "nodes.\(node).\(name)" }

    /// What a reload does with another value.
    package enum Reload: Sendable {
        case applies
        /// It describes what the node was formed with; a reload says so and changes nothing.
        case ofFormation
    }

    package var reload: Reload {
        switch self {
        case .dataDirectory: .ofFormation
        case .memoryMax: .applies
        }
    }

    /// The value as conf.d has it; nil: the node has none of its own.
    package func text(_ override: ClusterSpec.NodeOverride) -> String? {
        switch self {
        case .dataDirectory: override.dataDirectory
        case .memoryMax: override.memoryMax?.configuredBytes
        }
    }

    /// The nodes whose values differ, sorted.
    package func differences(_ old: ClusterSpec, _ new: ClusterSpec) -> [NodeName] {
        func value(_ spec: ClusterSpec, _ node: NodeName) -> String? {
            guard let override = spec.overrides[node] else { return nil }
            return text(override)
        }
        return Set(old.overrides.keys).union(new.overrides.keys).sorted().filter { value(old, $0) != value(new, $0) }
    }
}
