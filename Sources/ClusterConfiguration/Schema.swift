import ClusterModel

/// What a file of conf.d may have at its top, and in `nodes`: the sections and keys that are described, and the directives of the engine.
enum Schema {
    static let topLevel = (Array(ConfigurationKey.sections.keys) + ["nodes", "redis"]).sorted()
    static let override = NodeConfigurationKey.all.map(\.name) + ["redis"]
    /// `'data-dir', 'memory-max' or 'redis'`
    static let overrideWords = NodeConfigurationKey.all.map { "'\($0.name)'" }.joined(separator: ", ") + " or 'redis'"
}
