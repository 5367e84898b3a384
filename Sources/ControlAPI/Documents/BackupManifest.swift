import ClusterModel

/// `manifest.json` of a backup: what each file holds. Written last, so that a backup that has one is complete.
package struct BackupManifest: Hashable, Sendable, Codable {
    package static let fileName = "manifest.json"
    /// The end of the name of a folder in which a backup is being made, or deleted.
    package static let partialSuffix = ".partial"
    /// The highest schema that this clusterd reads.
    package static let currentSchema = 1

    package var schema = BackupManifest.currentSchema
    package var cluster: String
    /// The IDs of all nodes of the cluster: two clusters may have the same name.
    package var nodes: [NodeID]
    /// The engine that saved: `redis 7.0.15`.
    package var engine: String
    /// The version of clusterd.
    package var clusterd: String
    /// When the saves were ordered.
    package var at: Timestamp
    package var shards: [Shard]

    package struct Shard: Hashable, Sendable, Codable {
        package var slots: SlotSet
        /// The master whose data these are.
        package var node: NodeName
        package var id: NodeID
        package var configEpoch: UInt64
        /// The name of its file in the folder.
        package var file: String
        package var bytes: Int64
        /// CRC-64/Jones of all bytes but the last eight, as 16 hexadecimal digits.
        package var checksum: String
        /// Keys of the first database, as the file says; nil: it does not say.
        package var keys: Int64?
        /// Libraries of functions, as the node reported when it was saved.
        package var libraries: Int64
        /// When the save began, as the file says.
        package var savedAt: Timestamp?
        package var replicationID: String?
        /// Bytes.
        package var replicationOffset: Int64?

        package init(
            slots: SlotSet, node: NodeName, id: NodeID, configEpoch: UInt64, file: String, libraries: Int64,
            copy: DumpCopy
        ) {
            self.slots = slots
            self.node = node
            self.id = id
            self.configEpoch = configEpoch
            self.file = file
            self.libraries = libraries
            bytes = copy.bytes
            checksum = copy.checksum
            keys = copy.header.keys
            savedAt = copy.header.savedAt.map { Timestamp($0) }
            replicationID = copy.header.replicationID
            replicationOffset = copy.header.replicationOffset
        }
    }

    package init(
        cluster: String, nodes: [NodeID], engine: String, clusterd: String, at: Timestamp, shards: [Shard]
    ) {
        self.cluster = cluster
        self.nodes = nodes
        self.engine = engine
        self.clusterd = clusterd
        self.at = at
        self.shards = shards
    }

    package var bytes: Int64 { shards.reduce(0) { $0 + $1.bytes } }
    package var keys: Int64 { shards.reduce(0) { $0 + ($1.keys ?? 0) } }

    /// Whether it is a backup of the cluster with this name and these nodes.
    package func isOf(cluster: String, nodes: [NodeID]) -> Bool {
        self.cluster == cluster && !Set(self.nodes).isDisjoint(with: nodes)
    }
}

/// `unfinished.json` in a folder in which a backup is being made: whose it is.
package struct UnfinishedBackup: Hashable, Sendable, Codable {
    package static let fileName = "unfinished.json"

    package var cluster: String
    package var nodes: [NodeID]

    package init(cluster: String, nodes: [NodeID]) {
        self.cluster = cluster
        self.nodes = nodes
    }

    package func isOf(cluster: String, nodes: [NodeID]) -> Bool {
        self.cluster == cluster && !Set(self.nodes).isDisjoint(with: nodes)
    }
}

/// The result of `clusterd backup verify --json`.
package struct BackupCheckDocument: Hashable, Sendable, Codable {
    package var schema = 1
    /// The folder of the backup.
    package var dir: String
    package var whole: Bool
    /// nil: the manifest cannot be read.
    package var cluster: String?
    package var at: Timestamp?
    package var files: Int
    package var bytes: Int64
    package var keys: Int64
    package var problems: [Problem]

    package struct Problem: Hashable, Sendable, Codable {
        /// nil: it concerns the whole backup.
        package var file: String?
        package var why: String

        package init(file: String?, why: String) {
            self.file = file
            self.why = why
        }
    }

    package init(dir: String, manifest: BackupManifest?, problems: [Problem]) {
        self.dir = dir
        whole = problems.isEmpty
        cluster = manifest?.cluster
        at = manifest?.at
        files = manifest?.shards.count ?? 0
        bytes = manifest?.bytes ?? 0
        keys = manifest?.keys ?? 0
        self.problems = problems
    }
}
