import ClusterModel
import NodeFiles

/// The contents of the quarantine, and of folders that would be moved there, for the operator.
extension HostDriver {
    package var heldBack: Quarantine { quarantine }

    package func keys(in folder: String) -> KeySample? { keySample(of: folder) }
}
