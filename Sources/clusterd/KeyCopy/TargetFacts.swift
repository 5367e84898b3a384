import ClusterModel
import ControlAPI

/// A master of the running cluster, as far as a copy into it is concerned.
struct TargetMaster: Hashable, Sendable {
    var name: NodeName
    var slots: SlotSet
    /// Keys of database 0.
    var keys: Int64
    /// Keys of the other databases (Valkey 9), by number.
    var otherDatabases: [Int: Int64] = [:]
    /// Whether it has functions.
    var hasFunctions = false
    var usedMemory: Int64
    /// 0: unlimited.
    var maxMemory: Int64
}

/// Why a copy into the running cluster does not begin. Nothing was changed then.
enum TargetRefusal: Hashable, Sendable {
    case notServing(covered: Int)
    case operationRuns(String)
    case holdsKeys(NodeName, Int64)
    case holdsFunctions(NodeName)
    /// Bytes that the keys take at least, and bytes that the masters may still use.
    case tooSmall(needed: Int64, free: Int64)

    /// - Parameters:
    ///   - needed: bytes that the keys take at least in the memory of the masters.
    ///   - replacing: whether keys and functions of the cluster may be overwritten.
    static func of(_ masters: [TargetMaster], needed: Int64, replacing: Bool) -> TargetRefusal? {
        let covered = masters.reduce(SlotSet()) { $0.union($1.slots) }
        guard covered == .all else { return .notServing(covered: covered.count) }
        if !replacing {
            for master in masters {
                let keys = master.otherDatabases.values.reduce(master.keys, +)
                if keys > 0 { return .holdsKeys(master.name, keys) }
                if master.hasFunctions { return .holdsFunctions(master.name) }
            }
        }
        // Without a limit on one master, there is none on the sum.
        guard masters.allSatisfy({ $0.maxMemory > 0 }) else { return nil }
        let free: Int64 = masters.reduce(0) { $0 + max(0, $1.maxMemory - $1.usedMemory) }
        return needed > free ? .tooSmall(needed: needed, free: free) : nil
    }

    var failure: Failure {
        switch self {
        case .notServing(let covered):
            Failure(
                "cluster-not-serving", "only \(covered) of 16384 slots have a master; nothing was copied",
                hint: "clusterd wait")
        case .operationRuns(let title):
            Failure("busy", "\(title) is running; nothing was copied", hint: "clusterd operations")
        case .holdsKeys(let node, let keys):
            Failure(
                "target-not-empty",
                "the cluster is not empty: \(node) holds \(keys) \(keys == 1 ? "key" : "keys"); nothing was copied",
                hint: "to overwrite keys of the same names and leave the others: --replace")
        case .holdsFunctions(let node):
            Failure(
                "target-not-empty", "the cluster is not empty: \(node) has functions; nothing was copied",
                hint: "to overwrite libraries of the same names and leave the others: --replace")
        case .tooSmall(let needed, let free):
            Failure(
                "target-full",
                "the keys need at least \(Disk.text(needed)), and the masters may use \(Disk.text(free)) more "
                    + "(maxmemory); nothing was copied",
                hint: "raise redis.maxmemory, then clusterd reload")
        }
    }
}
