/// Directives that clusterd must own, each with the reason and what to use instead.
enum OwnedDirectives {
    static func reason(_ name: String, _ arguments: [String]) -> String? {
        switch name {
        case "port": "clusterd gives each node its port; set cluster.ports"
        case "bind", "bind-source-addr": "clusterd reserves the addresses it starts nodes on; set cluster.bind"
        case "dir": "clusterd keeps each node in its own folder; set cluster.data-dir, or data-dir under nodes"
        case "cluster-enabled": "every node of clusterd is a cluster node"
        case "cluster-config-file": "clusterd reads and writes each node's nodes.conf and must know its name"
        case "cluster-port": "clusterd gives each node its bus port together with its port; set cluster.ports"
        case "cluster-announce-ip", "cluster-announce-port", "cluster-announce-bus-port", "cluster-announce-hostname",
            "cluster-announce-tls-port":
            "clusterd tells the nodes their addresses; set cluster.announce"
        case "daemonize": "a node must stay clusterd's child to be supervised"
        case "supervised": "clusterd supervises the nodes, not systemd"
        case "pidfile": "clusterd knows the process itself"
        case "logfile": "each node logs to redis.log in its folder"
        case "syslog-enabled", "syslog-ident", "syslog-facility": "each node logs to redis.log in its folder"
        case "unixsocket", "unixsocketperm": "one socket path cannot serve several nodes, and clusterd reserves ports"
        case "dbfilename", "appendfilename", "appenddirname":
            "clusterd must know under which names a node's data lie; they keep the names that they were found with"
        case "aof-load-truncated": "a cut append-only file must be an exit that is seen, not a silent loss"
        case "replicaof", "slaveof": "who follows whom is decided by the cluster"
        case "include": "what is included could set anything that clusterd must own; write it here"
        case "cluster-replica-no-failover", "cluster-slave-no-failover": "set supervision.failover"
        case "rename-command": "clusterd speaks to the nodes by the commands' own names; use an ACL"
        case "cluster-require-full-coverage", "cluster-allow-replica-migration": nil
        case "tls-port":
            "clusterd gives each node its port, which is one for TLS where redis.tls-cert-file is set; set cluster.ports"
        case _ where name.hasPrefix("sentinel"): "Sentinel and Redis Cluster do not go together"
        default: nil
        }
    }
}
