import ClusterModel

/// Why an operation failed. It is kept in the record; the words are in `Wording/OperationFailure+Words.swift`, and no code reads them. A
/// `String` is what the engine, the operating system or another program says.
package indirect enum OperationFailure: Sendable, Hashable, Codable {
    /// In a record of schema 1 or 2: the words alone.
    case told(String)

    // MARK: what a failure means for the request

    case nothingStopped(OperationFailure)
    case nothingRestarted(OperationFailure)
    /// The nodes that a rolling restart did not reach.
    case notRestarted([NodeName], after: OperationFailure)
    /// It did not come up with the configured engine. It starts again with this one; nil: no other can load its files.
    case engineHeld(NodeName, EngineSource?, after: OperationFailure)
    /// The number of repairs that did not start.
    case repairsLeft(Int, after: OperationFailure)
    /// The number of parts of a change that did not begin.
    case partsLeft(Int, after: OperationFailure)

    // MARK: the operation

    case notInRecord
    /// nil: it did not start.
    case noProgress(OperationStep?)
    case notDoneInAnHour(OperationStep)
    case unknownNode(NodeName)
    case unsettled(Unsettled)
    case disagreement(Disagreement)

    // MARK: one node

    case notStopped(NodeName, ShardGap)
    /// Its append-only file cannot be written: it would lose acknowledged writes.
    case cannotAppend(NodeName)
    case didNotStop(NodeName, within: Duration)
    case didNotStart(NodeName, String?)
    case ended(NodeName, cause: String, lastLine: String?)
    /// A finding about its folder, and what to do about it.
    case inTheWay(String, remedy: String?)
    case notInSync(NodeName, SyncObstacle)
    case masterStopped(NodeName, replica: NodeName)
    case masterEnded(NodeName, replica: NodeName, cause: String)
    case runsInDisagreement(NodeName, Disagreement)
    case passwordRefused(by: NodeName, directive: String, String)
    case passwordsNotSet(on: [NodeName])

    // MARK: roles

    case noRunningReplica(of: NodeName)
    case noReplicaInSync(with: NodeName)
    case replicaNotInSync(NodeName?, with: NodeName)
    case noRoomToTakeOver(NodeName, RoomObstacle)
    case noRoomToHandBack(to: NodeName, RoomObstacle)
    case takeoverRefused(by: NodeName, String)
    case noTakeover(by: NodeName, within: Duration)
    case notHandedBack(to: NodeName)
    case doesNotFollow(NodeName, master: NodeName)
    case noMaster(ofSlotsOf: NodeName)
    /// It was replaced since the request.
    case masterAgain(NodeName)
    case noFailover(of: NodeName)
    case masterDidNotStop(NodeName)

    // MARK: slots

    /// Both nodes belong to one shard by now.
    case sameShard(NodeName, NodeName)
    case slotsNotMoved(from: NodeName, to: NodeName, String)
    /// nil: they belong to no node.
    case slotsElsewhere(SlotSet, owner: NodeName?)

    // MARK: members

    /// Why, in a sentence; nil: the ports could not be reserved in time.
    case noPort(String?)
    case stillOwnsSlots(NodeName)
    /// `2 keys`, although it owns no slots.
    case stillHolds(NodeName, String)

    // MARK: repairs

    case unfinished(OperationStep, RepairObstacle)
    case notRunning(NodeName)
    case rolesChanged(NodeName, NodeName)
    case refused(by: NodeName, String)
    case otherOwner(of: SlotSet, knownBy: NodeName)
    case wouldLoseData(NodeName, LossByReturn)
    case ownsNoSlots(NodeName)
    /// Who uses the folder.
    case folderInUse(String, Untouched)
    /// Something is at this path after it was moved.
    case thereAgain(String)
    case notMoved(String, String)
    case notCopied(String)
    case notChanged(String, String)
    case notWritten(String, String)

    // MARK: backups

    /// No master owns these slots.
    case slotsWithoutMaster(SlotSet)
    /// Keys of a slot are on two nodes while it moves.
    case slotsMove(NodeName)
    case folderNotUsable(String)
    case notSaved(NodeName, String?)
    /// Its process, its role or its slots changed while the snapshots were taken.
    case changedWhileSaved(NodeName)
    case dumpNotCopied(NodeName, String)
    case backupNotFinished(String)
    /// The new backup is complete.
    case oldBackupsLeft(String)

    /// What was not done with the files of a folder.
    package enum Untouched: String, Sendable, Hashable, Codable { case moved, changed }
}

/// Why a repair did not finish in time.
package enum RepairObstacle: Sendable, Hashable, Codable {
    case diskFull
    case stillKnown(by: [NodeName])
    case silent(NodeName)
    /// The node under repair does not answer.
    case noAnswer
    case refused(String)
    case notFollowing
    case halfMoved
    case notOwning
}

/// Why the restart of a member with another nodes.conf could lose data.
package enum LossByReturn: Sendable, Hashable, Codable {
    case ownsSlots
    case followsMaster
    /// It follows a node that owns no slots of this cluster.
    case followsStranger
    /// `2 keys`.
    case holds(String)
}

/// Why there is no room for a change of roles.
package enum RoomObstacle: Sendable, Hashable, Codable {
    /// The reserve of a full disk is being released.
    case reserve
    case shortage(NodesConfShortage)
}

/// What one node reports and the others do not.
package enum Disagreement: Sendable, Hashable, Codable {
    case silent(NodeName)
    case loading(NodeName)
    /// It reports cluster_state:fail.
    case clusterDown(NodeName)
    case unknownToAll(NodeName)
    case unknown(NodeName, to: NodeName)
    case unreached(NodeName, by: NodeName)
    case role(Role, of: NodeName, seenBy: NodeName)
    case slots(of: NodeName, seenBy: NodeName)
    /// Another master than the others report.
    case master(of: NodeName, seenBy: NodeName)
    case port(Int, of: NodeName, seenBy: NodeName, insteadOf: Int)
}
