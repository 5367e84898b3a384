import ClusterModel
import ControlAPI
import NodeFiles

/// Checks a backup by its manifest, with no daemon.
enum BackupVerification {
    private static let manifestLimit = 64 << 20

    /// - Parameters:
    ///   - directory: a backup, or a folder of backups, of which the newest is checked. Absolute.
    ///   - cluster: the name of the cluster; nil: of any.
    static func check(_ directory: String, cluster: String? = nil) throws(Failure) -> BackupCheckDocument {
        let folder = try self.folder(in: directory, cluster: cluster)
        var problems: [BackupCheckDocument.Problem] = []
        if folder.hasSuffix(BackupManifest.partialSuffix) {
            problems.append(.init(file: nil, why: "the folder is unfinished, or its deletion was interrupted"))
        }
        let manifest: BackupManifest
        do throws(Failure) {
            manifest = try read("\(folder)/\(BackupManifest.fileName)")
        } catch {
            problems.append(.init(file: BackupManifest.fileName, why: error.message))
            return BackupCheckDocument(dir: folder, manifest: nil, problems: problems)
        }
        if let cluster, manifest.cluster != cluster {
            problems.append(
                .init(file: nil, why: "it is a backup of the cluster \(manifest.cluster), not of \(cluster)"))
        }
        problems += slotProblems(manifest)
        var seen = Set<String>()
        for shard in manifest.shards {
            if let why = problem(of: shard, in: folder, isFirst: seen.insert(shard.file).inserted) {
                problems.append(.init(file: shard.file, why: why))
            }
        }
        return BackupCheckDocument(dir: folder, manifest: manifest, problems: problems)
    }

    private static func folder(in directory: String, cluster: String?) throws(Failure) -> String {
        do {
            if try listDirectory(directory).contains(BackupManifest.fileName) { return directory }
            let names = try BackupFolder.names(in: directory, partialSuffix: BackupManifest.partialSuffix)
            let whole = try names.finished.filter { name in
                try listDirectory("\(directory)/\(name)").contains(BackupManifest.fileName)
            }
            // A folder that was renamed is as old as its manifest says; one whose manifest cannot be read is examined first.
            let candidates = whole.filter { name in
                guard let cluster, let manifest = try? read("\(directory)/\(name)/\(BackupManifest.fileName)") else {
                    return true
                }
                return manifest.cluster == cluster
            }
            let newest = candidates.max { age(of: "\(directory)/\($0)") < age(of: "\(directory)/\($1)") }
            if let newest { return "\(directory)/\(newest)" }
        } catch {
            throw Failure("no-backup", "\(error)")
        }
        throw Failure(
            "no-backup", "\(directory) holds no complete backup" + (cluster.map { " of the cluster \($0)" } ?? ""),
            hint: "clusterd backup \(ShellWord.quoted(directory))")
    }

    private static func age(of folder: String) -> Timestamp {
        (try? read("\(folder)/\(BackupManifest.fileName)"))?.at ?? Timestamp(WallTime(milliseconds: .max))
    }

    static func read(_ path: String) throws(Failure) -> BackupManifest {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try readFile(path, limit: manifestLimit)
        } catch {
            throw Failure("no-backup", error.description)
        }
        guard let manifest = try? ControlJSON.decode(BackupManifest.self, from: bytes) else {
            throw Failure("no-backup", "the manifest is damaged")
        }
        guard manifest.schema <= BackupManifest.currentSchema else {
            throw Failure("no-backup", "a later clusterd wrote it (schema \(manifest.schema))")
        }
        return manifest
    }

    /// Every slot is in exactly one file.
    private static func slotProblems(_ manifest: BackupManifest) -> [BackupCheckDocument.Problem] {
        var covered = SlotSet()
        var twice = SlotSet()
        for shard in manifest.shards {
            twice = twice.union(covered.intersection(shard.slots))
            covered = covered.union(shard.slots)
        }
        let missing = SlotSet.all.subtracting(covered)
        var problems: [BackupCheckDocument.Problem] = []
        if !missing.isEmpty { problems.append(.init(file: nil, why: "slots \(missing) are in no file")) }
        if !twice.isEmpty { problems.append(.init(file: nil, why: "slots \(twice) are in two files")) }
        return problems
    }

    /// nil: the file is the one that the manifest describes.
    private static func problem(of shard: BackupManifest.Shard, in folder: String, isFirst: Bool) -> String? {
        guard isFirst else { return "it is named for two shards" }
        guard !shard.file.contains("/"), shard.file != "..", shard.file != "." else {
            return "the manifest names no file of this folder"
        }
        let digest: RDBDigest
        do throws(FileError) {
            digest = try NodeFiles.digest(ofDump: "\(folder)/\(shard.file)")
        } catch {
            return error.description
        }
        guard digest.bytes == shard.bytes else {
            return "it has \(digest.bytes) bytes, and the manifest says \(shard.bytes)"
        }
        guard digest.checksum == shard.checksum else {
            return
                "it was changed or damaged: its checksum is \(digest.checksum), and the manifest says \(shard.checksum)"
        }
        return digest.isWhole ? nil : "it was changed or damaged: its last 8 bytes are not its checksum"
    }
}
