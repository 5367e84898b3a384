import ClusterModel
import NodeFiles

/// What lies in the quarantine, and in what is to go there: for people who ask.
extension HostDriver {
    package var heldBack: Quarantine { quarantine }

    package func keys(in folder: String) -> KeySample? { keySample(of: folder) }
}
