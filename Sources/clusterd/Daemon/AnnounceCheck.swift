import ClusterConfiguration
import ClusterModel
import ControlAPI
import Planner
import ProcessSupervision

/// Checks whether the configured `announce` address leads to the nodes from this host, as each node needs it.
enum AnnounceCheck {
    /// What is wrong; nil: the address works, or none is configured.
    static func complaint(_ spec: ClusterSpec, _ record: Record?, engine: Engine) -> String? {
        guard let announced = spec.announce else { return nil }
        let pairs = record?.members.map(\.ports) ?? Array(PortCandidates(spec, engine: engine).pairs.prefix(20))
        do {
            try AnnouncedAddress.check(announced, ports: pairs.map(\.bus), addresses: spec.bind)
            return nil
        } catch {
            return "cluster.announce: \(announced): \(error)"
        }
    }

    /// Throws before a cluster is formed. For a formed cluster only warns, because the network may come up later.
    static func check(_ spec: ClusterSpec, _ record: Record?, engine: Engine, origin: String) throws(Failure) {
        guard let complaint = complaint(spec, record, engine: engine) else { return }
        guard record?.stage == .formed else { throw Configuration.refusal(["\(origin): \(complaint)"]) }
        Output.note("warning: \(complaint)")
    }
}
