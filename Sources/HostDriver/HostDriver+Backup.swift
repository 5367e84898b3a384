import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Planner

/// Effects of `backup`. All that writes is in one lane: a copy that is under way ends before its folder is removed.
extension HostDriver {
    private static let backupLane = "backup"

    private func job(_ doing: String, _ path: String) -> FileWork.Order {
        .init(Self.backupLane, doing, path, patience: .seconds(86_400))
    }

    private func folder(_ place: Effect.BackupPlace, named name: String? = nil) -> BackupFolder {
        BackupFolder(
            directory: place.directory, name: name ?? place.name, partialSuffix: BackupManifest.partialSuffix)
    }

    func prepare(_ order: Effect.BackupPreparation) async -> Outcome {
        let place = order.place
        let folder = folder(place)
        return await outcome(job("preparing", place.path), limit: nil) { [self] () throws(FileError) in
            try folder.makeDirectory()
            if let around = clusterFolder(around: place.directory, among: order.owned) {
                return .failed("\(place.directory) is in \(around), which belongs to the cluster and is lost with it")
            }
            try removeLeftovers(place)
            if let shortage = shortage(order) { return .failed(shortage) }
            let note = UnfinishedBackup(cluster: place.cluster, nodes: place.nodes)
            guard let bytes = try? ControlJSON.encode(note) else { return .failed("its note cannot be encoded") }
            try folder.begin(note: bytes + [10], named: UnfinishedBackup.fileName)
            return .done
        }
    }

    /// The folder of the cluster in which this folder is, links resolved.
    private func clusterFolder(around directory: String, among owned: [String]) -> String? {
        guard let real = realPath(directory) else { return nil }
        return owned.first { folder in
            guard let other = realPath(folder) else { return false }
            return real == other || real.hasPrefix(other + "/")
        }
    }

    private func shortage(_ order: Effect.BackupPreparation) -> String? {
        let directory = order.place.directory
        guard let disk = NodeFiles.disks(of: [directory] + order.owned).first else { return nil }
        let isShared = disk.folders.contains { $0 != directory }
        let needed = order.bytes + (isShared ? order.reserved : 0)
        guard disk.free < needed else { return nil }
        return "\(directory) has \(Disk.text(disk.free)) free, and the dumps may need \(Disk.text(order.bytes))"
            + (isShared ? ", besides \(Disk.text(order.reserved)) that stay free on a disk of the cluster" : "")
    }

    /// Removes what unfinished backups of this cluster left. Without a note, and empty, such a folder belongs to a backup that was killed in
    /// its first moment, or to one that another cluster is just beginning.
    private func removeLeftovers(_ place: Effect.BackupPlace) throws(FileError) {
        let names = try BackupFolder.names(in: place.directory, partialSuffix: BackupManifest.partialSuffix)
        for name in names.unfinished {
            let left = folder(place, named: name)
            if isOurs(left.partial, place) {
                try left.discard()
            } else if left.isUnchanged(for: .seconds(60)) {
                left.removeIfEmpty()
            }
        }
    }

    private func isOurs(_ path: String, _ place: Effect.BackupPlace) -> Bool {
        if let bytes = try? readFile("\(path)/\(UnfinishedBackup.fileName)", limit: 1 << 20),
            let note = try? ControlJSON.decode(UnfinishedBackup.self, from: bytes)
        {
            return note.isOf(cluster: place.cluster, nodes: place.nodes)
        }
        return readManifest(path).map { $0.isOf(cluster: place.cluster, nodes: place.nodes) } ?? false
    }

    private func readManifest(_ path: String) -> BackupManifest? {
        guard let bytes = try? readFile("\(path)/\(BackupManifest.fileName)", limit: 64 << 20) else { return nil }
        return try? ControlJSON.decode(BackupManifest.self, from: bytes)
    }

    /// Not in the lane of the copies: a dump must be opened before a later save replaces it.
    func openDump(_ order: Effect.DumpOrder) async -> Outcome {
        let job = FileWork.Order("dump \(order.source)", "opening", order.source)
        return await change(job) { [self] () throws(FileError) in
            let dump = try OpenDump(order.source)
            dumps.withLock { $0["\(order.place.path)/\(order.file)"] = dump }
        }
    }

    func copyDump(_ order: Effect.DumpOrder) async -> Outcome {
        let name = "\(order.place.path)/\(order.file)"
        let target = "\(folder(order.place).partial)/\(order.file)"
        return await outcome(job("copying", order.source), limit: nil) { [self] () throws(FileError) in
            guard let dump = dumps.withLock({ $0[name] }) else { return .failed("the dump is not open any more") }
            defer { dumps.withLock { $0[name] = nil } }
            let copy = try dump.copy(to: target, rate: order.rate) { dumps.withLock { $0[name] == nil } }
            // A dump has whole seconds.
            guard let saved = copy.header.savedAt, saved + .seconds(1) > order.savedSince else {
                return .failed("\(order.source) is older than the save that was ordered")
            }
            return .copied(copy)
        }
    }

    func finish(_ contents: Effect.BackupContents) async -> Outcome {
        let place = contents.place
        let manifest = BackupManifest(
            cluster: place.cluster, nodes: place.nodes, engine: contents.engine.description, clusterd: version,
            at: Timestamp(contents.at),
            shards: contents.shards.map { shard in
                BackupManifest.Shard(
                    slots: shard.of.slots, node: shard.of.node, id: shard.of.id, configEpoch: shard.of.epoch,
                    file: shard.file, libraries: shard.of.libraries, copy: shard.copy)
            })
        guard let bytes = try? ControlJSON.encode(manifest, pretty: true) else {
            return .failed("the manifest cannot be encoded as JSON")
        }
        let folder = folder(place)
        return await change(job("finishing", place.path), limit: nil) { () throws(FileError) in
            try folder.finish(
                manifest: bytes + [10], named: BackupManifest.fileName, note: UnfinishedBackup.fileName)
        }
    }

    /// Closes the dumps at once, which ends a copy that is under way.
    func discard(_ place: Effect.BackupPlace) async -> Outcome {
        dumps.withLock { $0 = $0.filter { !$0.key.hasPrefix(place.path + "/") } }
        let folder = folder(place)
        return await change(job("removing", folder.partial), limit: nil) { () throws(FileError) in
            try folder.discard()
        }
    }

    /// The newest stay, and always the one that was just made, whatever the clock says.
    func prune(_ place: Effect.BackupPlace, keep: Int) async -> Outcome {
        await change(job("deleting older backups in", place.directory), limit: nil) { [self] () throws(FileError) in
            let names = try BackupFolder.names(in: place.directory, partialSuffix: BackupManifest.partialSuffix)
            var older: [(name: String, at: Timestamp)] = []
            // One that the operator has renamed is kept.
            for name in names.finished where name != place.name && Operation.Backup.isFolderName(name) {
                guard let manifest = readManifest("\(place.directory)/\(name)"),
                    manifest.isOf(cluster: place.cluster, nodes: place.nodes)
                else { continue }
                older.append((name, manifest.at))
            }
            older.sort { ($0.at, $0.name) > ($1.at, $1.name) }
            for backup in older.dropFirst(max(0, keep - 1)) { try folder(place, named: backup.name).remove() }
        }
    }
}
