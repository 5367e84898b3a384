import ClusterModel

extension OperationStep {
    package var words: String {
        switch self {
        case .queued(let id, let title): "after operation \(id) (\(title))"
        case .part(let number, let count, let step): "\(number)/\(count) \(step.words)"
        case .result(let result): result.words
        case .next(let repair, let result): "\(result.words); next: \(repair.text)"
        case .told(let words): words

        case .askingSlots(let node): "asking \(node) which slots it has"
        case .askingData(let node): "asking \(node) what it holds"
        case .awaitingSlotOwners(let node): "waiting for each slot of the shard of \(node) to have one owner"
        case .settingPasswords: "setting the configured passwords on all nodes"
        case .awaitingSibling(let node, let gap): "waiting to stop \(node): \(gap.words)"
        case .stopping(let node): "stopping \(node)"
        case .awaitingEffects(let node): "waiting for what is under way at \(node)"
        case .starting(let node): "starting \(node)"
        case .restarting(let node): "restarting \(node)"
        case .loading(let node): "waiting for \(node) to load its data"
        case .syncing(let node, let obstacle):
            "waiting for \(node) to be in sync\(obstacle.map { ": \($0.words)" } ?? "")"

        case .awaitingAgreement: "waiting for all nodes to agree"
        case .awaitingAgreementOnMaster(let node): "waiting for all nodes to agree that \(node) is master"
        case .awaitingOwner(let node): "waiting for all nodes to agree which node is master of the slots of \(node)"
        case .awaitingReplicaInSync(let replica, let master):
            "waiting for \(replica?.text ?? "a replica of \(master)") to be in sync"
        case .awaitingFailover(let master): "waiting for a replica of \(master) to take over"
        case .awaitingSwitchover(let master, let replica):
            "waiting for \(master) to hand over to \(replica?.text ?? "a replica")"
        case .awaitingVoters(let replica): "waiting for the masters to reach \(replica)"
        case .awaitingElectionWindow(let master, let left):
            "waiting \(left.value.components.seconds) s: the engine refuses a second election of a replica of \(master) so soon"
        case .awaitingReserve: "waiting for the reserve of a full disk to be released"
        case .awaitingRoom(let folder, let node): "waiting for room in \(folder): \(node) could not save its nodes.conf"
        case .awaitingRoomForViews: "waiting for room: a node cannot save its nodes.conf"
        case .handingOver(let replica): "handing over to \(replica)"
        case .handingBack(let master): "handing back from \(master)"

        case .awaitingMasterOfShard(let node): "waiting for the master of the shard of \(node) to serve its slots"
        case .movingSlots(let source, let target, _, let progress):
            "moving slots from \(source) to \(target): \(progress.value.words)"
        case .retryingSlots(let source, let target, let why):
            "retrying to move slots from \(source) to \(target): \(why.value)"
        case .finishingSlots(let source, let target):
            "cancelled: finishing the slots that are half moved from \(source) to \(target)"

        case .reservingPorts: "reserving the ports of a new node"
        case .dividingSlots: "dividing the slots"

        case .lookingAt(let path): "looking at \(path)"
        case .settingAside(let path, let folder): "moving \(path) to quarantine/\(folder)"
        case .copying(let names, let folder): "copying \(names.joined(separator: " ")) to quarantine/\(folder)"
        case .cutting(let bytes, let path): "cutting \(bytes) bytes off \(path)"
        case .writing(let path): "writing \(path)"
        case .forgetting(let id): "waiting for all nodes to forget \(id.short)"
        case .following(let replica, let master): "waiting for \(replica) to follow \(master)"
        case .askingAboutSlot(let slot): "asking all nodes about slot \(slot)"
        case .closingSlot(let slot): "leaving slot \(slot) where its keys are"
        case .givingSlots(let slots, let node): "giving \(node) the slots \(slots) again"
        case .returningKeys(let slots, let holder, let owner):
            "moving the keys of \(slots.named) from \(holder) to \(owner)"

        case .awaitingMaster(let node): "waiting for \(node) to answer as master of its slots"
        case .preparingBackup(let path): "making \(path)"
        case .awaitingSave(let node): "waiting for an earlier save or rewrite of \(node) to end"
        case .saving(let nodes): "waiting for \(Turn.list(nodes.map(\.text))) to save"
        case .copyingDumps(let done, let count): "copying dumps: \(done) of \(count) done"
        case .finishingBackup(let path): "writing the manifest of \(path)"
        case .deletingBackups(let keep): "deleting older backups: \(keep) remain"
        }
    }
}

extension OperationResult {
    package var words: String {
        switch self {
        case .inSync(let node, let role): "\(node) is \(role.rawValue) and in sync"
        case .running(let node, let role): "\(node) runs as \(role.rawValue)"
        case .stopped(let node): "\(node) is stopped"
        case .restarted(let count): count == 1 ? "1 node restarted" : "\(count) nodes restarted"
        case .master(let node, let slots): "\(node) is master of \(slots)"
        case .nothingToDo: "there was nothing to do"
        case .alreadyRunning(let node): "\(node) runs already"
        case .alreadyStopped(let node): "\(node) is stopped already"
        case .alreadyMaster(let node, let slots): "\(node) is master already, of slots \(slots)"
        case .notMaster(let node, let master):
            "\(node) is no master\(master.map { "; \($0) is master of its shard" } ?? "")"
        case .noNodeToRestart(let pendingOnly):
            pendingOnly ? "no node waits for a restart" : "no node runs: there is nothing to restart"
        case .paused(let until): "paused \(until.map { "until \($0.clock)" } ?? "until clusterd resume")"
        case .resumed(let wasPaused): wasPaused ? "automatic restarts and failovers are resumed" : "it was not paused"

        case .setAside(let path, let folder, let node):
            "\(path) is in quarantine/\(folder)\(node.map { "; \($0) runs and is in sync" } ?? "")"
        case .loaded(let node, let folder, true):
            "\(node) runs; what it could not load is in quarantine/\(folder)"
        case .loaded(let node, let folder, false):
            "\(node) runs; its original append-only file is in quarantine/\(folder)"
        case .startedWithoutRepair(let node): "\(node) runs and is in sync; nothing was left to do"
        case .rejoined(let node, let role): "\(node) is a \(role.rawValue) of the cluster again, in sync"
        case .forgotten(let id): "no node knows \(id.short) any more"
        case .follows(let replica, let master): "\(replica) follows \(master), in sync"
        case .slotClosed(let slot): "slot \(slot) is where it was"
        case .ownsSlots(let node, let slots): "\(node) owns \(slots.named) again"
        case .keysReturned(let slots, let owner): "\(owner) has all keys of \(slots.named)"
        case .slotsRestored: "every node has its slots again"
        case .backedUp(let path, let files, let bytes):
            "\(path) is complete: \(files) \(files == 1 ? "file" : "files"), \(Disk.text(bytes))"
        case .slotsMoved(let count, let isAll):
            "\(count) \(count == 1 ? "slot" : "slots") moved\(isAll ? "" : "; the others stay where they are")"
        case .canaryRuns(let node, let engine):
            "the canary \(node) runs \(engine) and is in sync; to go on: clusterd rolling-restart --pending"
        case .wouldMove(let count): "\(count) \(count == 1 ? "slot" : "slots") would move; nothing was changed"
        case .added(let node, let master?): "\(node) is a replica of \(master), in sync"
        case .added(let node, nil): "\(node) is a master of the cluster"
        case .removed(let node): "\(node) is no longer a node of the cluster; its files are in quarantine/"
        case .changed(let count): "the cluster has \(count) nodes"
        case .changeEnded(let left):
            "what was done stays; \(left) \(left == 1 ? "part was" : "parts were") not done"
        case .wouldChange: "nothing was changed"
        case .asConfigured: "the cluster has the masters and replicas of the configuration"
        case .slotsEven: "every master has its share of the slots already"
        }
    }
}

extension OperationStep.SlotProgress {
    var words: String {
        "\(done) of \(total) slots"
            + (keys > 0 ? ", \(keys) keys, \(keysPerSecond) keys/s" : "")
    }
}

extension ShardGap {
    package var words: String {
        switch self {
        case .stopped(let node): "\(node) of its shard is stopped"
        case .down(let node): "\(node) of its shard does not run"
        case .silent(let node): "\(node) of its shard does not answer"
        case .loading(let node): "\(node) of its shard loads its data"
        case .notInSync(let node): "\(node) of its shard is not in sync"
        case .shown(let node, let health): "\(node) of its shard is \(health.rawValue)"
        }
    }
}

extension SyncObstacle {
    package var words: String {
        switch self {
        case .login(let replica, let master, let mismatch):
            "\(replica) cannot log in to its master \(master): \(mismatch.words(replica, master))"
        case .syncLoop(let master): "\(master) repeats full synchronizations, and the replication link breaks each time"
        }
    }
}

extension LoginMismatch {
    fileprivate func words(_ replica: NodeName, _ master: NodeName) -> String {
        switch self {
        case .notAsked: "it sends a password (masterauth), and \(master) asks for none"
        case .notSent: "\(master) asks for a password (requirepass), and \(replica) sends none (masterauth)"
        case .other: "masterauth of \(replica) is not requirepass of \(master)"
        }
    }
}
