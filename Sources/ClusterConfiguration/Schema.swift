/// All keys of conf.d, except those in `redis` and `nodes`.
enum Schema {
    static let sections: [String: [String]] = [
        "cluster": [
            "name", "masters", "replicas", "ports", "on-port-conflict", "port-wait", "bind", "announce", "data-dir",
            "min-free", "memory-max",
        ],
        "engine": ["server", "user", "auth-user", "auth-pass"],
        "supervision": ["failover", "failover-max-lag", "hang-timeout", "restart", "restart-delay", "stop-timeout"],
        "control": ["socket", "group", "metrics"],
    ]
    static let topLevel = ["cluster", "control", "engine", "nodes", "redis", "supervision"]
    static let override = ["data-dir", "memory-max", "redis"]
}
