import ClusterModel

extension OperationFailure {
    package var words: String {
        switch self {
        case .told(let words): words

        case .nothingStopped(let failure): "\(failure.words); nothing was stopped"
        case .nothingRestarted(let failure): "\(failure.words); nothing was restarted"
        case .notRestarted(let nodes, let failure):
            "\(failure.words); not restarted: \(nodes.map(\.text).joined(separator: " "))"
        case .engineHeld(let node, let program?, let failure):
            "\(failure.words); \(node) starts again with \(program.words)"
        case .engineHeld(let node, nil, let failure):
            "\(failure.words); \(node) cannot start with its former engine: that does not read the files that it has now"
        case .repairsLeft(let count, let failure): "\(failure.words); \(count) more did not start"

        case .partsLeft(let count, let failure):
            "\(failure.words); what was done stays, \(count) more \(count == 1 ? "part" : "parts") did not begin"

        case .notInRecord: "it is not in the record"
        case .noProgress(let step): "it makes no progress: \(step?.words ?? "it did not start")"
        case .notDoneInAnHour(let step): "not done after an hour: \(step.words)"
        case .unknownNode(let node): "\(node) is no longer a node of this cluster"
        case .unsettled(let trouble): "\(trouble.words); first: \(trouble.hint)"
        case .disagreement(let dispute): dispute.words

        case .notStopped(let node, let gap): "\(node) was not stopped: \(gap.words)"
        case .cannotAppend(let node): "\(node) was not stopped: \(Turn.appendTrouble)"
        case .didNotStop(let node, let time): "\(node) did not stop within \(time.components.seconds) s"
        case .didNotStart(let node, let why): "\(node) did not start\(why.map { ": \($0)" } ?? "")"
        case .ended(let node, let cause, let line): "\(node) \(cause)\(line.map { ": \($0)" } ?? "")"
        case .inTheWay(let finding, let remedy): finding + (remedy.map { "; to start it: \($0)" } ?? "")
        case .notInSync(let node, let obstacle): "\(node) runs but cannot get in sync: \(obstacle.words)"
        case .masterStopped(let master, let node):
            "\(node) runs but cannot get in sync: \(master), its master, was stopped"
        case .masterEnded(let master, let node, let cause):
            "\(node) runs but cannot get in sync: \(master), its master, \(ExitReason.past(cause))"
        case .runsInDisagreement(let node, let dispute): "\(node) runs, but the nodes do not agree: \(dispute.words)"
        case .passwordRefused(let node, let directive, let words):
            "\(node) does not accept the configured \(directive) while it runs (\(words)); \(Self.passwordsNeedAStop)"
        case .passwordsNotSet(let nodes):
            "clusterd could not set the configured passwords on \(Turn.list(nodes.map(\.text))); "
                + Self.passwordsNeedAStop

        case .noRunningReplica(let master): "\(master) has no running replica"
        case .noReplicaInSync(let master): "no replica of \(master) came into sync"
        case .replicaNotInSync(let replica, let master):
            "\(replica?.text ?? "it") did not come into sync with \(master)"
        case .noRoomToTakeOver(let replica, let why): "\(replica) did not take over: \(why.words)"
        case .noRoomToHandBack(let node, let why): "\(node) was not made master again: \(why.words)"
        case .takeoverRefused(let replica, let why): "\(replica) could not take over: \(why)"
        case .noTakeover(let replica, let time):
            "\(replica) did not take over within \(time.components.seconds) s"
        case .notHandedBack(let node): "\(node) was restarted, but could not be made master again"
        case .doesNotFollow(let node, let master): "\(node) does not follow \(master)"
        case .noMaster(let node): "no node says which node is master of the slots of \(node)"
        case .masterAgain(let node): "\(node) was replaced in the meantime and is master again"
        case .noFailover(let master): "no replica of \(master) could take over"
        case .masterDidNotStop(let master): "\(master) did not stop; no replica took over"

        case .sameShard(let one, let other): "\(one) and \(other) belong to one shard"
        case .slotsNotMoved(let source, let target, let why):
            "slots could not be moved from \(source) to \(target): \(why)"
        case .slotsElsewhere(let slots, let owner):
            "\(slots.named) \(slots.count == 1 ? "belongs" : "belong") to \(owner?.text ?? "no node") now"

        case .noPort(let why): "there is no port for a new node: \(why ?? "clusterd could not reserve one in time")"
        case .stillOwnsSlots(let node): "\(node) still owns slots, and nothing has taken them over; it was not removed"
        case .stillHolds(let node, let amount): "\(node) owns no slots and still holds \(amount); it was not removed"

        case .unfinished(let step, let obstacle): "\(step.words): \(obstacle.words)"
        case .notRunning(let node): "\(node) does not run"
        case .rolesChanged(let one, let other): "\(one) and \(other) have changed roles"
        case .refused(let node, let why): "\(node): \(why)"
        case .otherOwner(let slots, let node): "\(node) now knows another owner of \(slots.named)"
        case .wouldLoseData(let node, let loss): "\(node) was not restarted: \(loss.words)"
        case .ownsNoSlots(let node): "\(node) no longer owns slots; nothing was changed"
        case .folderInUse(let why, let untouched): "\(why): nothing was \(untouched.rawValue)"
        case .thereAgain(let path): "\(path) was moved to quarantine/, but something is there again"
        case .notMoved(let path, let why): "\(path) was not moved: \(why)"
        case .notCopied(let why): "clusterd could not keep a copy and changed nothing: \(why)"
        case .notChanged(let path, let why): "\(path) was not changed: \(why)"
        case .notWritten(let path, let why): "\(path) was not written: \(why)"

        case .slotsWithoutMaster(let slots): "no running master owns \(slots.named); no backup was made"
        case .slotsMove(let node): "slots are being moved to or from \(node); no backup was made"
        case .folderNotUsable(let why): "\(why); no backup was made"
        case .notSaved(let node, let why):
            "\(node) did not save its data (\(why ?? "see clusterd logs \(node)")); no backup was made"
        case .changedWhileSaved(let node):
            "the process, the role or the slots of \(node) changed during the saves; no backup was made"
        case .dumpNotCopied(let node, let why): "the dump of \(node) was not copied: \(why); no backup was made"
        case .backupNotFinished(let why): "\(why); no backup was made"
        case .oldBackupsLeft(let why): "the new backup is complete, but an older one was not deleted: \(why)"
        }
    }

    private static let passwordsNeedAStop =
        "nothing was restarted: a node that restarts alone could not log in to the others; clusterd stop, then clusterd up, "
        + "restarts all nodes with the configured passwords"
}

extension RepairObstacle {
    var words: String {
        switch self {
        case .diskFull: "a disk is full; nothing was changed"
        case .stillKnown(let nodes): "\(Turn.list(nodes.map(\.text))) still know it"
        case .silent(let node): "\(node) does not answer"
        case .noAnswer: "it does not answer"
        case .refused(let why): why
        case .notFollowing: "it does not follow"
        case .halfMoved: "it is still half moved"
        case .notOwning: "it does not own them"
        }
    }
}

extension LossByReturn {
    var words: String {
        switch self {
        case .ownsSlots: "it owns slots"
        case .followsMaster: "it follows a master"
        case .followsStranger: "it follows a node that owns no slots of this cluster"
        case .holds(let amount): "it holds \(amount)"
        }
    }
}

extension RoomObstacle {
    var words: String {
        switch self {
        case .reserve: WaitReason.reserve.words
        case .shortage(let shortage): shortage.words
        }
    }
}

extension Unsettled {
    var words: String {
        switch self {
        case .reset(let node, let id, _):
            "\(node) answers with the node ID \(id.short) instead of its own: it was reset by hand"
        case .slotsUncovered(let slots, let node, _):
            "\(slots.named) of the shard of \(node) \(slots.count == 1 ? "belongs" : "belong") to no node"
        case .slotTwoOwners(let one, let other, let slots): "\(one) and \(other) both claim \(slots.named)"
        }
    }
}

extension Disagreement {
    var words: String {
        switch self {
        case .silent(let node): "\(node) does not answer"
        case .loading(let node): "\(node) is loading"
        case .clusterDown(let node): "\(node) reports cluster_state:fail"
        case .unknownToAll(let node): "no node knows \(node) yet"
        case .unknown(let node, let other): "\(other) does not know \(node)"
        case .unreached(let node, let other): "\(other) does not reach \(node)"
        case .role(let role, let node, let other): "\(other) sees \(node) as a \(role.rawValue)"
        case .slots(let node, let other): "\(other) reports other slots for \(node)"
        case .master(let node, let other): "\(other) reports other roles for \(node)"
        case .port(let port, let node, let other, let real):
            "\(other) reports port \(port) for \(node), which is on \(real)"
        }
    }
}
