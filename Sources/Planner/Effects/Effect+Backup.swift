import ClusterModel

extension Effect {
    /// The folder of one backup.
    package struct BackupPlace: Sendable, Equatable {
        /// The folder of all backups, absolute.
        package var directory: String
        /// The name of this one, once it is complete.
        package var name: String
        package var cluster: String
        /// The IDs of all nodes: another cluster may have the same name.
        package var nodes: [NodeID]

        package var path: String { "\(directory)/\(name)" }
    }

    package struct BackupPreparation: Sendable, Equatable {
        package var place: BackupPlace
        /// The space that the files may need.
        package var bytes: Int64
        /// The space that must stay free in addition on a disk of the cluster.
        package var reserved: Int64
        /// The folders of the cluster, in which no backup may be.
        package var owned: [String]
    }

    package struct DumpOrder: Sendable, Equatable {
        package var place: BackupPlace
        /// The dump in the node's folder.
        package var source: String
        /// The name of the copy.
        package var file: String
        /// A dump whose save began earlier is not the ordered one.
        package var savedSince: WallTime
        /// Bytes a second.
        package var rate: Int64
    }

    package struct BackupContents: Sendable, Equatable {
        package var place: BackupPlace
        package var engine: Engine
        /// When the saves were ordered.
        package var at: WallTime
        package var shards: [Shard]

        package struct Shard: Sendable, Equatable {
            package var of: Operation.Backup.Shard
            package var file: String
            package var copy: DumpCopy
        }
    }
}
