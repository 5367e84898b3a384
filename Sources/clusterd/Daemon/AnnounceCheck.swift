import ClusterConfiguration
import ClusterModel
import ControlAPI
import Planner
import ProcessSupervision

/// Whether the configured `announce` leads to the nodes from here, as each of them needs it.
enum AnnounceCheck {
    /// nil: it does, or there is none.
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

    /// Before a cluster is formed it must; of one that is formed it is only said, since the network may come up later.
    static func check(_ spec: ClusterSpec, _ record: Record?, engine: Engine, origin: String) throws(Failure) {
        guard let complaint = complaint(spec, record, engine: engine) else { return }
        guard record?.stage == .formed else { throw Configuration.refusal(["\(origin): \(complaint)"]) }
        Output.note("warning: \(complaint)")
    }
}
