import ClusterModel

/// The redis.conf written by hand for one node, with the files that it includes, line by line.
package struct HandMadeFile: Hashable, Sendable {
    package struct Line: Hashable, Sendable {
        package var path: String
        /// The line number, from 1.
        package var number: Int
        /// Lower case.
        package var name: String
        package var arguments: [String]

        package init(path: String, number: Int, name: String, arguments: [String]) {
            self.path = path
            self.number = number
            self.name = name
            self.arguments = arguments
        }

        var origin: ClusterSpec.Origin { .file(path, line: number, column: 1) }
    }

    package var node: NodeName
    /// The base of relative paths: the engine works in its data folder.
    package var folder: String
    package var client: Int
    package var lines: [Line]

    package init(node: NodeName, folder: String, client: Int, lines: [Line]) {
        self.node = node
        self.folder = folder
        self.client = client
        self.lines = lines
    }

    func last(_ name: String) -> Line? { lines.last { $0.name == name } }
    func value(_ name: String) -> String? { last(name)?.arguments.first }

    /// The port for clients. Both ports at once are refused.
    var tlsPort: Int { value("tls-port").flatMap { Int($0) } ?? 0 }
    var plainPort: Int { value("port").flatMap { Int($0) } ?? 6379 }
}

/// How clusterd treats one directive of a redis.conf written by hand.
enum HandMadeDirective {
    enum Treatment: Equatable {
        case take
        /// Keep it. The first argument is a file, which must exist.
        case takeFile
        /// Drop it. clusterd sets it itself, without a difference that clients see.
        case leave
        case refuse(String)
    }

    static func treatment(_ line: HandMadeFile.Line, in file: HandMadeFile) -> Treatment {
        let value = line.arguments.first ?? ""
        switch line.name {
        case "port", "dir", "cluster-enabled", "cluster-config-file", "cluster-port", "daemonize", "supervised",
            "pidfile",
            "logfile", "dbfilename", "appendfilename", "appenddirname", "aof-load-truncated", "syslog-ident",
            "syslog-facility", "syslog-enabled", "bind", "cluster-announce-ip":
            return .leave
        case "tls-port":
            guard file.tlsPort != 0, file.plainPort != 0 else { return .leave }
            return .refuse(
                "the node serves port \(file.plainPort) without TLS and port \(file.tlsPort) with it, but a node of clusterd "
                    + "has one port; set 'port 0', or remove the TLS directives")
        case _ where line.name.hasPrefix("tls-") && file.tlsPort == 0:
            guard ["tls-cluster", "tls-replication"].contains(line.name), value == "yes" else { return .leave }
            return .refuse("the node's clients do not use TLS; clusterd encrypts all connections of a node or none")
        case "cluster-announce-port", "cluster-announce-tls-port":
            if [0, file.client].contains(Int(value)) { return .leave }
        case "cluster-announce-bus-port":
            if [0, file.client + 10000].contains(Int(value)) { return .leave }
        case "cluster-announce-hostname", "bind-source-addr", "unixsocket":
            if value.isEmpty { return .leave }
        case "unixsocketperm":
            if file.value("unixsocket") ?? "" == "" { return .leave }
        case "cluster-replica-no-failover", "cluster-slave-no-failover":
            if value == "no" { return .leave }
        case "replicaof", "slaveof":
            if value == "no" { return .leave }
        case "aclfile", "loadmodule", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-client-cert-file",
            "tls-client-key-file", "tls-dh-params-file", "tls-key-file":
            return value.isEmpty ? .leave : .takeFile
        default: break
        }
        if let why = OwnedDirectives.reason(line.name, line.arguments) { return .refuse(why) }
        return .take
    }
}
