/// What a data file was found to hold, to prove that a folder has no keys. A file that cannot be read to its end counts as keys (invariant:
/// unknown-is-data).
package enum DataEvidence: Hashable, Sendable {
    /// Read to its end, and it holds neither a key nor a function.
    case noKeys
    case functions
    case keys
    case unreadable(String)

    package var holdsKeys: Bool { self != .noKeys }
}

/// A dump or a part of an append-only file on disk.
package struct DataFile: Hashable, Sendable {
    /// Relative to the node's folder: `dump.rdb`, `appendonlydir/appendonly.aof.1.incr.aof`.
    package var name: String
    /// Bytes.
    package var size: Int64
    package var modified: WallTime
    package var evidence: DataEvidence
    /// If the file begins as an RDB: which program wrote it, when, and at which replication offset.
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
    /// nil: a single file, as written by Redis before 7.0.
    package var directoryName: String?
    /// The base, then the increments, in the order of the manifest.
    package var files: [DataFile]
    /// What prevents the engine from loading it: a manifest that cannot be read, a missing file.
    package var trouble: String?
    /// Parts exist and no manifest names them: the engine would start empty and overwrite them, or reject the manifest.
    package var lacksManifest = false

    package init(directoryName: String?, files: [DataFile], trouble: String? = nil) {
        self.directoryName = directoryName
        self.files = files
        self.trouble = trouble
    }
}

/// All data files in a node's folder.
package struct DirectoryContent: Hashable, Sendable {
    /// What the engine would load with `appendonly no`: one file, or none.
    package var dumps: [DataFile] = []
    package var appendOnly: AppendOnlyFiles?
    /// Data that the engine would not load under the configured names: remains of an earlier layout, temporary files of an interrupted
    /// save, history of the append-only file.
    package var others: [DataFile] = []
    /// Why the folder could not be read completely.
    package var trouble: String?

    package init() {}

    package var files: [DataFile] { dumps + (appendOnly?.files ?? []) + others }

    package var isEmpty: Bool { files.isEmpty && appendOnly == nil && trouble == nil }

    package var holdsKeys: Bool {
        trouble != nil || appendOnly?.trouble != nil || files.contains { $0.evidence.holdsKeys }
    }

    /// The contents of the folder itself: files, and the folder of the append-only file.
    package var fileNames: [String] {
        var names: [String] = appendOnly?.directoryName.map { [$0] } ?? []
        for file in files {
            let name = file.name.split(separator: "/").first.map(String.init) ?? file.name
            if !names.contains(name) { names.append(name) }
        }
        return names.sorted()
    }
}
