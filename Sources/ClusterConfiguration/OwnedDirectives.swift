/// Directives that clusterd must set itself, each with the reason and the alternative.
enum OwnedDirectives {
    static func reason(_ name: String, _ arguments: [String]) -> String? {
        switch name {
        case "port": "clusterd assigns each node its port; set cluster.ports"
        case "bind", "bind-source-addr": "clusterd reserves the addresses on which it starts nodes; set cluster.bind"
        case "dir": "clusterd keeps each node in its own folder; set cluster.data-dir, or data-dir under nodes"
        case "cluster-enabled": "every node of clusterd is a cluster node"
        case "cluster-config-file": "clusterd reads and writes each node's nodes.conf and must know its name"
        case "cluster-port": "clusterd assigns each node its bus port together with its port; set cluster.ports"
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
            "clusterd must know the names of a node's data files; they keep the names with which they were found"
        case "aof-load-truncated": "a truncated append-only file must stop the node, not lose data silently"
        case "replicaof", "slaveof": "the cluster decides which master a replica follows"
        case "include": "an included file could set directives that clusterd must set itself; write its directives here"
        case "cluster-replica-no-failover", "cluster-slave-no-failover": "set supervision.failover"
        case "rename-command": "clusterd uses the commands under their own names; use an ACL instead"
        case "cluster-require-full-coverage", "cluster-allow-replica-migration": nil
        case "tls-port":
            "clusterd assigns each node its port, which uses TLS if redis.tls-cert-file is set; set cluster.ports"
        case _ where name.hasPrefix("sentinel"): "Redis Sentinel does not work with Redis Cluster"
        default: nil
        }
    }
}
