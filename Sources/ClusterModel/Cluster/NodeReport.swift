/// What one node reported in one pipelined query: INFO, CLUSTER INFO, CLUSTER NODES, CONFIG GET. Its fields are behind one pointer: reports
/// are copied all the time, and seldom changed.
package struct NodeReport: Hashable, Sendable {
    private final class Storage: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private var storage: Storage

    /// INFO server `process_id`: distinguishes a leaked old process on the port from the one that was started.
    package var processID: Int32 {
        get { storage.fields.processID }
        set { change { $0.processID = newValue } }
    }
    package var id: NodeID {
        get { storage.fields.id }
        set { change { $0.id = newValue } }
    }
    package var engine: Engine {
        get { storage.fields.engine }
        set { change { $0.engine = newValue } }
    }
    package var loading: Bool {
        get { storage.fields.loading }
        set { change { $0.loading = newValue } }
    }
    package var replication: Replication {
        get { storage.fields.replication }
        set { change { $0.replication = newValue } }
    }
    package var clusterStateOK: Bool {
        get { storage.fields.clusterStateOK }
        set { change { $0.clusterStateOK = newValue } }
    }
    package var currentEpoch: UInt64 {
        get { storage.fields.currentEpoch }
        set { change { $0.currentEpoch = newValue } }
    }
    package var view: NodesView {
        get { storage.fields.view }
        set { change { $0.view = newValue } }
    }
    package var persistence: Persistence {
        get { storage.fields.persistence }
        set { change { $0.persistence = newValue } }
    }
    package var load: Load {
        get { storage.fields.load }
        set { change { $0.load = newValue } }
    }
    /// Live values of the directives that clusterd queries, by lower-case name.
    package var settings: [String: String] {
        get { storage.fields.settings }
        set { change { $0.settings = newValue } }
    }
    /// A client has sent CLIENT PAUSE, and the pause has not expired: clients' writes wait, while queries are answered. Only Valkey 9.1 and
    /// later report this (INFO `paused_reason`).
    package var holdsWrites: Bool {
        get { storage.fields.holdsWrites }
        set { change { $0.holdsWrites = newValue } }
    }
    /// The number of its keys in slots that it is importing.
    package var keysOfImportedSlots: [Int: Int64] {
        get { storage.fields.keysOfImportedSlots }
        set { change { $0.keysOfImportedSlots = newValue } }
    }

    private mutating func change(_ edit: (inout Fields) -> Void) {
        var fields = storage.fields
        edit(&fields)
        storage = Storage(fields)
    }

    package static func == (a: NodeReport, b: NodeReport) -> Bool {
        a.storage === b.storage || a.storage.fields == b.storage.fields
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(storage.fields) }

    private struct Fields: Hashable, Sendable {
        var processID: Int32
        var id: NodeID
        var engine: Engine
        var loading: Bool
        var replication: Replication
        var clusterStateOK: Bool
        var currentEpoch: UInt64
        var view: NodesView
        var persistence: Persistence
        var load: Load
        var settings: [String: String]
        var holdsWrites: Bool = false
        var keysOfImportedSlots: [Int: Int64] = [:]
    }

    package struct Replication: Hashable, Sendable {
        package var role: Role
        /// A replica's link to its master: INFO `master_link_status` is `up`. False on a master.
        package var linkUp: Bool
        package var syncInProgress: Bool
        package var replicationID: String
        /// `slave_repl_offset` on a replica, `master_repl_offset` on a master; bytes.
        package var offset: Int64
        package var connectedReplicas: Int
        /// How long a replica's link has been down; nil if it is up, or was never up since the process started.
        package var linkDownFor: Duration?
        /// A master's replicas that count for `min-replicas-to-write`; nil: the engine does not count them.
        package var goodReplicas: Int?
        /// INFO `sync_full`: how many full synchronizations the process has begun as a master; nil: the engine does not count them.
        package var fullSyncs: Int64?

        package init(
            role: Role, linkUp: Bool, syncInProgress: Bool, replicationID: String, offset: Int64,
            connectedReplicas: Int, linkDownFor: Duration? = nil
        ) {
            self.linkDownFor = linkDownFor
            self.role = role
            self.linkUp = linkUp
            self.syncInProgress = syncInProgress
            self.replicationID = replicationID
            self.offset = offset
            self.connectedReplicas = connectedReplicas
        }
    }

    /// Whether its append-only file, if it keeps one, holds what it has in memory. The rewrite that follows a full synchronization takes the
    /// place of a file that is as old as the replica's last link, and until it ends that file is what a start would load.
    package var isAppended: Bool {
        persistence.lastAppendOK && !(replication.role == .replica && persistence.rewritesAppendOnly)
    }

    package struct Persistence: Hashable, Sendable {
        package var appendOnly: Bool
        package var saving: Bool
        package var lastSaveOK: Bool
        package var lastAppendOK: Bool
        /// CONFIG `appendfsync`.
        package var appendFsync: String?
        /// `aof_current_size`: the size of the append-only file including its base.
        package var appendOnlyBytes: Int64?
        /// A rewrite of the append-only file runs or is scheduled. A file that was just switched on is incomplete until its first rewrite ends.
        package var rewritesAppendOnly = false

        package init(
            appendOnly: Bool, saving: Bool, lastSaveOK: Bool, lastAppendOK: Bool, appendFsync: String? = nil,
            appendOnlyBytes: Int64? = nil
        ) {
            self.appendFsync = appendFsync
            self.appendOnlyBytes = appendOnlyBytes
            self.appendOnly = appendOnly
            self.saving = saving
            self.lastSaveOK = lastSaveOK
            self.lastAppendOK = lastAppendOK
        }
    }

    package struct Load: Hashable, Sendable {
        /// Of all databases.
        package var keys: Int64
        /// Libraries of functions: data without a key.
        package var libraries: Int64 = 0
        /// Numbers of the databases that have keys, other than database 0 (Valkey 9, `cluster-databases`).
        package var otherDatabases: [Int] = []
        package var memoryBytes: Int64
        /// nil when no limit is set.
        package var maxMemoryBytes: Int64?
        package var clients: Int
        package var operationsPerSecond: Int64

        package init(keys: Int64, memoryBytes: Int64, maxMemoryBytes: Int64?, clients: Int, operationsPerSecond: Int64)
        {
            self.keys = keys
            self.memoryBytes = memoryBytes
            self.maxMemoryBytes = maxMemoryBytes
            self.clients = clients
            self.operationsPerSecond = operationsPerSecond
        }

        /// A key of any database, or a library of functions.
        package var holdsData: Bool { keys > 0 || libraries > 0 }

        /// `300 keys`, `1 library of functions`, `300 keys and 2 libraries of functions`.
        package var amount: String { Self.amount(keys: keys, libraries: libraries) }

        package static func amount(keys: Int64, libraries: Int64) -> String {
            let functions = "\(libraries) \(libraries == 1 ? "library" : "libraries") of functions"
            if libraries > 0, keys == 0 { return functions }
            return "\(keys) \(keys == 1 ? "key" : "keys")" + (libraries > 0 ? " and \(functions)" : "")
        }
    }

    /// `min-replicas-to-write`; nil: writes require no replica.
    package var replicasToWrite: Int? {
        settings["min-replicas-to-write"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// A master that answers every write with NOREPLICAS.
    package var refusesWrites: Bool {
        guard replication.role == .master, let wanted = replicasToWrite, let good = replication.goodReplicas else {
            return false
        }
        return good < wanted
    }

    package init(
        processID: Int32, id: NodeID, engine: Engine, loading: Bool, replication: Replication, clusterStateOK: Bool,
        currentEpoch: UInt64, view: NodesView, persistence: Persistence, load: Load, settings: [String: String]
    ) {
        storage = Storage(
            Fields(
                processID: processID, id: id, engine: engine, loading: loading, replication: replication,
                clusterStateOK: clusterStateOK, currentEpoch: currentEpoch, view: view, persistence: persistence,
                load: load, settings: settings))
    }
}
