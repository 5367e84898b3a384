/// Which engine can load the files that another one wrote.
extension Engine {
    /// The RDB format of its dumps and of the base of its append-only file (`RDB_VERSION`, src/rdb.h). For a version that is newer than this
    /// table: the newest in it.
    package var formatWritten: Int {
        switch name {
        case .redis:
            if version < EngineVersion(7, 0, 0) { return 9 }
            if version < EngineVersion(7, 2, 0) { return 10 }
            return version < EngineVersion(7, 4, 0) ? 11 : 12
        case .valkey: return version < EngineVersion(9, 0, 0) ? 11 : 80
        }
    }

    /// Valkey refuses what Redis 7.4 and later write (`RDB_FOREIGN_VERSION_MIN`, src/rdb.h).
    package func reads(format: Int) -> Bool {
        switch name {
        // A later Redis than this table knows may read later formats, and says so itself if it does not.
        case .redis: return format <= formatWritten || (version >= EngineVersion(8, 3, 0) && format < 80)
        case .valkey: return format <= 11 || (formatWritten >= 80 && format >= 80)
        }
    }

    /// Whether it finds an append-only file in several parts. Redis 6.2 does not look into their folder, and starts without a key.
    package var readsAppendOnlyFolder: Bool { isSevenOrLater }

    /// Whether it can load what `other` has saved.
    package func loads(filesOf other: Engine) -> Bool {
        reads(format: other.formatWritten) && (readsAppendOnlyFolder || !other.isSevenOrLater)
    }

    /// Whether it can load these files, as far as their headers tell.
    package func loads(_ content: DirectoryContent) -> Bool {
        if !readsAppendOnlyFolder, content.appendOnly?.directoryName != nil { return false }
        let files = content.dumps + (content.appendOnly?.files ?? [])
        return files.allSatisfy { file in file.header.map { reads(format: $0.formatVersion) } ?? true }
    }
}

/// A server program: how it is named, and which engine it is.
package struct EngineSource: Hashable, Sendable, Codable {
    /// As in `engine.server`: a path, or a name on PATH.
    package var server: String
    package var engine: Engine

    package init(server: String, engine: Engine) {
        self.server = server
        self.engine = engine
    }

    /// `redis-server 7.0.15 (/usr/bin/redis-server)`
    package var words: String { "\(engine.program) (\(server))" }
}
