/// The two TCP ports of a node: where clients connect, and the cluster bus.
package struct PortPair: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var client: Int
    package var bus: Int

    package init(client: Int, bus: Int) {
        self.client = client
        self.bus = bus
    }

    /// The bus port is the client port plus 10000 (`CLUSTER_PORT_INCR`, src/cluster.h). If that is not a valid port, it is the client port
    /// minus 10000, which engines from 7.0 on accept as `cluster-port`.
    package init(client: Int) {
        self.init(client: client, bus: client + 10000 <= 65535 ? client + 10000 : client - 10000)
    }

    /// Whether the engine needs a `cluster-port` directive (Redis 7.0 or later) for this pair.
    package var needsClusterPort: Bool { bus != client + 10000 }

    package static func < (a: PortPair, b: PortPair) -> Bool { (a.client, a.bus) < (b.client, b.bus) }
    package var description: String { "\(client)@\(bus)" }
    package func overlaps(_ other: PortPair) -> Bool {
        client == other.client || client == other.bus || bus == other.client || bus == other.bus
    }
}
