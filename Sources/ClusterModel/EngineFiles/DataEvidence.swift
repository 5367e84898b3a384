/// What a data file was found to hold: for the proof that a folder has no keys. What cannot be read to its end counts as
/// keys (invariant: unknown-is-data).
package enum DataEvidence: Hashable, Sendable {
    /// Read to its end, and nothing in it is a key or a function.
    case noKeys
    case functions
    case keys
    case unreadable(String)

    package var holdsKeys: Bool { self != .noKeys }
}

/// A dump or a part of an append-only file, as it lies on disk.
package struct DataFile: Hashable, Sendable {
    /// Relative to the node's folder: `dump.rdb`, `appendonlydir/appendonly.aof.1.incr.aof`.
    package var name: String
    /// Bytes.
    package var size: Int64
    package var modified: WallTime
    package var evidence: DataEvidence
    /// Where the file begins as an RDB does: who wrote it, when, and at which replication offset.
    package var header: RDBHeader?

    package init(name: String, size: Int64, modified: WallTime, evidence: DataEvidence, header: RDBHeader? = nil) {
        self.name = name
        self.size = size
        self.modified = modified
        self.evidence = evidence
        self.header = header
    }
}

/// The append-only file that an engine with `appendonly yes` would load.
package struct AppendOnlyFiles: Hashable, Sendable {
    /// nil: a single file, as Redis before 7.0 keeps it.
    package var directoryName: String?
    /// The base, then the increments, in the order of the manifest.
    package var files: [DataFile]
    /// What keeps the engine from loading it: a manifest that cannot be read, a file that is missing.
    package var trouble: String?
    /// Parts lie there and no manifest names them: the engine would start empty and overwrite them, or refuse the manifest.
    package var lacksManifest = false

    package init(directoryName: String?, files: [DataFile], trouble: String? = nil) {
        self.directoryName = directoryName
        self.files = files
        self.trouble = trouble
    }
}

/// All that a node's folder holds of keys.
package struct DirectoryContent: Hashable, Sendable {
    /// What the engine would load with `appendonly no`: one file, or none.
    package var dumps: [DataFile] = []
    package var appendOnly: AppendOnlyFiles?
    /// Data that the engine would not load under the names that it is given: remains of an earlier layout, temporary files
    /// of a save that was interrupted, history of the append-only file.
    package var others: [DataFile] = []
    /// Why the folder could not be looked at as a whole.
    package var trouble: String?

    package init() {}

    package var files: [DataFile] { dumps + (appendOnly?.files ?? []) + others }

    package var isEmpty: Bool { files.isEmpty && appendOnly == nil && trouble == nil }

    package var holdsKeys: Bool {
        trouble != nil || appendOnly?.trouble != nil || files.contains { $0.evidence.holdsKeys }
    }

    /// What lies in the folder itself: files, and the folder of the append-only file.
    package var fileNames: [String] {
        var names: [String] = appendOnly?.directoryName.map { [$0] } ?? []
        for file in files {
            let name = file.name.split(separator: "/").first.map(String.init) ?? file.name
            if !names.contains(name) { names.append(name) }
        }
        return names.sorted()
    }
}
