import ClusterModel

/// Compares `memory-max`, the kernel's limit for a node, with the limit of the engine.
extension SpecReader {
    /// An engine without keys, with a few clients, takes several megabytes.
    static let leastMemoryMax: Int64 = 16 << 20

    /// nil: absent, null, or invalid. 0: no limit.
    mutating func memoryMax(_ value: Settings.Value, label: String) -> Int64? {
        if value.node.isNull { return nil }
        guard let text = value.node.scalar, let bytes = Quantity.bytes(text) else {
            refuse("a size such as 2gb is expected", label, value.origin)
            return nil
        }
        guard bytes == 0 || bytes >= Self.leastMemoryMax else {
            refuse("a node needs at least \(Self.leastMemoryMax.configuredBytes)", label, value.origin)
            return nil
        }
        return bytes
    }

    /// Warns about a limit that the engine does not respect on its own: the kernel would kill the engine.
    mutating func checkMemory(_ spec: ClusterSpec) {
        func limit(_ directives: [ClusterSpec.Directive]) -> Int64? {
            directives.last { $0.name == "maxmemory" }?.arguments.first.flatMap { Quantity.bytes($0) }
        }
        let shared = limit(spec.directives)
        var cases = [(ConfigurationKey.memoryMax.path, "redis.maxmemory", spec.memoryMax, shared)]
        var origins = [settings.values[.memoryMax]?.origin ?? .builtIn]
        for (name, override) in spec.overrides.sorted(by: { $0.key < $1.key }) {
            let own = limit(override.directives)
            guard override.memoryMax != nil || own != nil else { continue }
            cases.append(
                (
                    override.memoryMax == nil
                        ? ConfigurationKey.memoryMax.path : NodeConfigurationKey.memoryMax.path(of: name),
                    own == nil ? "redis.maxmemory" : "nodes.\(name).redis.maxmemory", spec.memoryMax(of: name),
                    own ?? shared
                ))
            origins.append(settings.overrides[name.text]?.values[.memoryMax]?.origin ?? override.origin)
        }
        for ((label, directive, most, used), origin) in zip(cases, origins) {
            guard let most, most > 0 else { continue }
            let used = used ?? 0
            if used > 0, used < most { continue }
            let engine = used > 0 ? "\(directive) is \(used.configuredBytes)" : "\(directive) sets no limit"
            warnings.append(
                ConfigurationError(
                    origin: origin,
                    message:
                        "\(label) is \(most.configuredBytes) and \(engine): the kernel kills the node before the engine "
                        + "rejects a write",
                    hint:
                        "set \(directive) to two thirds of it: saves, replicas and clients need room in addition to the data"
                ))
        }
    }
}
