import ClusterModel
import Planner

/// A full disk, and how engines react to it (docs/engines.md).
extension World {
    static let noSpace = "No space left on device"

    func carryOut(reserveIn folder: String, isMade: Bool) -> Outcome {
        var isDone = true
        host.change(diskOf: folder) { disk in
            if isMade { isDone = disk.makeReserve() } else { disk.releaseReserve() }
        }
        return isDone ? .done : .failed(Self.noSpace)
    }

    /// An engine saves its nodes.conf whenever it learns of an epoch, and exits if it cannot; the old file stays.
    func mayLearn(_ pid: Int32) -> Bool {
        guard let engine = host.engines[pid] else { return false }
        guard host.isFull(engine.directory) else { return true }
        end(pid, "Fatal: can't update cluster config file.")
        return false
    }

    /// A command that changes data: rejected by a master that could not write its memory, or that now finds so.
    func mayWrite(_ pid: Int32) -> Bool {
        guard let engine = host.engines[pid] else { return false }
        if engine.appendFailed || engine.saveFailed { return false }
        guard engine.settings.appendOnly, host.isFull(engine.directory) else { return true }
        // With `appendfsync everysec` the client gets an acknowledgement, and the next write is rejected.
        guard engine.settings.appendFsync == "always" else {
            host.engines[pid]?.appendFailed = true
            return true
        }
        endOfAppending(pid)
        return false
    }

    /// It does not continue with a file that lacks acknowledged writes.
    func endOfAppending(_ pid: Int32) { end(pid, "Error writing to the AOF file: \(Self.noSpace)") }

    private func end(_ pid: Int32, _ words: String) {
        guard host.engines[pid]?.isStopping == false else { return }
        host.engines[pid]?.isStopping = true
        tell("\(host.engines[pid]?.ports.client ?? 0) finds no room: \(words)")
        after(1...3, .exit(pid: pid, code: 1, signal: nil, log: [words]))
    }

    /// BGSAVE, on an order of the operator or of clusterd.
    func saveInBackground(_ pid: Int32) {
        guard let engine = host.engines[pid], var folder = host.folders[engine.directory] else { return }
        if host.isFull(engine.directory) {
            host.engines[pid]?.saveFailed = true
            return
        }
        save(&folder, engine)
        host.folders[engine.directory] = folder
        host.engines[pid]?.saveFailed = false
    }

    func fill(_ index: Int?, leaving bytes: Int64, isGreedy: Bool, for time: Duration) {
        let members = record?.members ?? []
        let folder = index.flatMap { members.isEmpty ? nil : members[$0 % members.count].directory }
        let place = folder ?? spec.dataDirectory
        tell("the disk of \(place) is full but for \(bytes) bytes\(isGreedy ? ", and stays so" : "")")
        host.change(diskOf: place) { $0.fill(leaving: bytes, isGreedy: isGreedy) }
        queue.add(.fault(.emptyDisks), at: now + time)
    }
}
