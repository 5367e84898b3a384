import ClusterModel

/// What a file of conf.d may have at its top, and in `nodes`. The keys of the other sections are `ConfigurationKey`s.
enum Schema {
    static let topLevel = (Array(ConfigurationKey.sections.keys) + ["nodes", "redis"]).sorted()
    static let override = ["data-dir", "memory-max", "redis"]
}
