import ClusterModel

/// What an operation does or waits for, and its result. It is kept in the record, compared, and limited by its age; the words are in
/// `Wording/OperationStep+Words.swift`, and no code reads them.
package indirect enum OperationStep: Sendable, Hashable, Codable {
    /// Another exclusive operation comes first.
    case queued(after: Int, title: String)
    /// One node of a rolling restart: the number of the node, the total, and its own step.
    case part(Int, of: Int, OperationStep)
    case result(OperationResult)
    /// One repair of several is done.
    case next(Repair, after: OperationResult)
    /// In a record of schema 1: the words alone.
    case told(String)

    // MARK: one node

    case askingSlots(of: NodeName)
    case askingData(of: NodeName)
    case awaitingSlotOwners(shardOf: NodeName)
    case settingPasswords
    case awaitingSibling(NodeName, ShardGap)
    case stopping(NodeName)
    /// Effects on this node are under way.
    case awaitingEffects(on: NodeName)
    case starting(NodeName)
    case restarting(NodeName)
    case loading(NodeName)
    case syncing(NodeName, SyncObstacle?)

    // MARK: roles

    case awaitingAgreement
    case awaitingAgreementOnMaster(NodeName)
    /// All nodes must name the same master for the slots that this node had.
    case awaitingOwner(ofSlotsOf: NodeName)
    /// nil: any replica of `master`.
    case awaitingReplicaInSync(NodeName?, of: NodeName)
    /// The master is down.
    case awaitingFailover(of: NodeName)
    /// nil: to any replica.
    case awaitingSwitchover(from: NodeName, to: NodeName?)
    case awaitingVoters(of: NodeName)
    /// The engine refuses a second election of a replica of this master so soon.
    case awaitingElectionWindow(of: NodeName, Shown<Duration>)
    case awaitingReserve
    /// This node could not save its nodes.conf there.
    case awaitingRoom(folder: String, for: NodeName)
    case awaitingRoomForViews
    case handingOver(to: NodeName)
    case handingBack(from: NodeName)

    // MARK: slots

    /// The shard of this node has no master that serves.
    case awaitingMasterOfShard(NodeName)
    /// `twentieths`: how much of the operation is done.
    case movingSlots(from: NodeName, to: NodeName, twentieths: Int, Shown<SlotProgress>)
    /// The last attempt was rejected, in the engine's words.
    case retryingSlots(from: NodeName, to: NodeName, Shown<String>)
    /// The operation was cancelled: the slots that are half moved are finished.
    case finishingSlots(from: NodeName, to: NodeName)

    // MARK: members

    case reservingPorts
    case dividingSlots

    // MARK: repairs

    case lookingAt(String)
    case settingAside(String, quarantine: String)
    case copying([String], quarantine: String)
    case cutting(bytes: Int64, of: String)
    case writing(String)
    case forgetting(NodeID)
    case following(NodeName, master: NodeName)
    case askingAboutSlot(Int)
    case closingSlot(Int)
    case givingSlots(SlotSet, to: NodeName)
    case returningKeys(of: SlotSet, from: NodeName, to: NodeName)

    // MARK: backups

    /// A master must be seen to serve its slots.
    case awaitingMaster(NodeName)
    case preparingBackup(String)
    /// A save or a rewrite of the append-only file that began before is under way there.
    case awaitingSave(NodeName)
    case saving([NodeName])
    case copyingDumps(Int, of: Int)
    case finishingBackup(String)
    case deletingBackups(keep: Int)

    package struct SlotProgress: Sendable, Codable {
        package var done: Int
        package var total: Int
        /// Since this daemon began.
        package var keys: Int64
        package var keysPerSecond: Int64

        package init(done: Int, total: Int, keys: Int64, keysPerSecond: Int64) {
            self.done = done
            self.total = total
            self.keys = keys
            self.keysPerSecond = keysPerSecond
        }
    }
}

/// How an operation, or one repair of it, ended well.
package enum OperationResult: Sendable, Hashable, Codable {
    case inSync(NodeName, Role)
    case running(NodeName, Role)
    case stopped(NodeName)
    case restarted(nodes: Int)
    /// One node of a rolling restart, and the engine that it runs now.
    case canaryRuns(NodeName, String)
    case master(NodeName, SlotSet)
    case nothingToDo
    /// Requested, and already the case.
    case alreadyRunning(NodeName)
    case alreadyStopped(NodeName)
    case alreadyMaster(NodeName, SlotSet)
    case notMaster(NodeName, master: NodeName?)
    case noNodeToRestart(pendingOnly: Bool)
    /// nil: until `resume`.
    case paused(until: WallTime?)
    case resumed(wasPaused: Bool)

    case setAside(String, quarantine: String, started: NodeName?)
    case loaded(NodeName, quarantine: String, isCut: Bool)
    case startedWithoutRepair(NodeName)
    case rejoined(NodeName, Role)
    case forgotten(NodeID)
    case follows(NodeName, NodeName)
    case slotClosed(Int)
    case ownsSlots(NodeName, SlotSet)
    case keysReturned(SlotSet, to: NodeName)
    case slotsRestored
    /// The folder, the files in it, and their bytes.
    case backedUp(String, files: Int, bytes: Int64)
    /// `isAll`: false: the operation was cancelled.
    case slotsMoved(Int, isAll: Bool)
    /// With `--dry-run`.
    case wouldMove(slots: Int)
    /// No master differs from its share by more than the threshold.
    case slotsEven
    /// nil: as the master of a new shard.
    case added(NodeName, replicaOf: NodeName?)
    case removed(NodeName)
    /// How many nodes the cluster has now.
    case changed(nodes: Int)
    /// The operation was cancelled.
    case changeEnded(left: Int)
    /// With `--dry-run`.
    case wouldChange(parts: Int)
    case asConfigured
}

/// Why a second node of a shard would be down.
package enum ShardGap: Sendable, Hashable, Codable {
    case stopped(NodeName)
    case down(NodeName)
    case silent(NodeName)
    case loading(NodeName)
    case notInSync(NodeName)
    /// As `status` shows it: a request of the operator is checked against that.
    case shown(NodeName, Assessment.Health)
}

/// What prevents a running replica from being in sync.
package enum SyncObstacle: Sendable, Hashable, Codable {
    case login(replica: NodeName, master: NodeName, LoginMismatch)
    /// This master repeats full synchronizations.
    case syncLoop(master: NodeName)
}

/// How a replica's `masterauth` and its master's `requirepass` do not match.
package enum LoginMismatch: Sendable, Hashable, Codable { case notAsked, notSent, other }

/// A value that is shown and never compared: two reasons that differ only in it are one reason, which keeps its age.
package struct Shown<Value: Sendable & Codable>: Sendable, Hashable, Codable {
    package var value: Value

    package init(_ value: Value) { self.value = value }

    package static func == (a: Shown, b: Shown) -> Bool { true }
    package func hash(into hasher: inout Hasher) {}

    package init(from decoder: any Decoder) throws { value = try Value(from: decoder) }
    package func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
