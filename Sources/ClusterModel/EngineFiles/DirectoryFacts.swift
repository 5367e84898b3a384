/// What lies in one folder that is, was or may become a node's, as it was found.
package struct DirectoryFacts: Hashable, Sendable {
    /// Absolute.
    package var path: String
    package var exists = false
    /// Whether it is the data folder itself, in which clusterd keeps its own files: never a node's.
    package var isDataFolder = false
    package var ownerUserID: UInt32?
    /// For the user that clusterd runs as.
    package var writable = false
    package var nodesFile = NodesFileState.absent
    /// nil where there is none.
    package var nodesFileName: String?
    package var content = DirectoryContent()
    package var redisConf: RedisConfFacts?
    /// The names under which an engine finds the data that are here: by redis.conf, or by what lies in the folder.
    package var dataNames = DataFileNames()
    /// Of the folder itself.
    package var modified: WallTime?
    /// Of its file system, for the user that clusterd runs as.
    package var freeBytes: Int64?

    package init(path: String) { self.path = path }
}

package enum NodesFileState: Hashable, Sendable {
    case absent
    case empty
    case torn
    case corrupt(String)
    case parsed(NodesFile)

    package init(_ bytes: [UInt8]) {
        do {
            self = .parsed(try NodesFile.parse(bytes))
        } catch {
            switch error {
            case .empty: self = .empty
            case .torn: self = .torn
            case .corrupt: self = .corrupt(error.description)
            }
        }
    }
}

/// How the engine's data files are called (`dbfilename`, `appendfilename`, `appenddirname`).
package struct DataFileNames: Hashable, Sendable {
    package var dump = "dump.rdb"
    package var appendOnly = "appendonly.aof"
    package var appendOnlyDirectory = "appendonlydir"

    package init() {}

    /// As they seem to have been where no redis.conf says it (servers started by a script with `--dbfilename` and so on):
    /// the engine's own names if there is such a file, else the name of the only one of its kind.
    /// - Parameters:
    ///   - names: what lies in the folder.
    ///   - manifests: `appendonlydir/appendonly.aof.manifest`, relative to it.
    package init(guessedFrom names: [String], manifests: [String]) {
        func theOnly(_ suffix: String, among names: [String], usual: String) -> String? {
            let found = names.filter { $0.hasSuffix(suffix) && !$0.hasPrefix("temp-") }
            return found.count == 1 && !names.contains(usual) ? found[0] : nil
        }
        if let name = theOnly(".rdb", among: names, usual: dump) { dump = name }
        let usual = "\(appendOnlyDirectory)/\(appendOnly).manifest"
        if let manifest = theOnly(".manifest", among: manifests, usual: usual), let slash = manifest.lastIndex(of: "/")
        {
            appendOnlyDirectory = String(manifest[..<slash])
            appendOnly = String(manifest[manifest.index(after: slash)...].dropLast(".manifest".count))
        } else if manifests.isEmpty, let name = theOnly(".aof", among: names, usual: appendOnly) {
            appendOnly = name
        }
    }

    /// As lines of redis.conf; only those that are not the engine's own, so that 6.2 need not know `appenddirname`.
    package var lines: [String] {
        let own = DataFileNames()
        return [
            ("dbfilename", dump, own.dump), ("appendfilename", appendOnly, own.appendOnly),
            ("appenddirname", appendOnlyDirectory, own.appendOnlyDirectory),
        ].filter { $0.1 != $0.2 }.map { RedisConfFile.render(name: $0.0, arguments: [$0.1]) }
    }
}

/// The redis.conf that lies in a node's folder.
package struct RedisConfFacts: Hashable, Sendable {
    /// How the first line begins of a redis.conf that clusterd has written.
    package static let marker = "# Written by clusterd"

    package var fileName: String
    package var isGenerated: Bool
    /// Where clients come, with or without TLS.
    package var port: Int?
    package var speaksTLS: Bool
    package var appendOnly: Bool?
    /// As written there: often relative.
    package var dir: String?
    package var clusterConfigFile: String?
    package var dataNames = DataFileNames()
    package var malformedLines: [Int]
    package var directives: [RedisConfFile.Directive]

    package init(fileName: String, _ bytes: [UInt8]) {
        self.fileName = fileName
        isGenerated = bytes.starts(with: Self.marker.utf8)
        let file = RedisConfFile(bytes)
        let plain = file.value("port").flatMap { Int($0) }
        let encrypted = file.value("tls-port").flatMap { Int($0) }.flatMap { $0 == 0 ? nil : $0 }
        speaksTLS = encrypted != nil && plain ?? 0 == 0
        port = speaksTLS ? encrypted : plain
        appendOnly = file.value("appendonly").map { $0.lowercased() == "yes" }
        dir = file.value("dir")
        clusterConfigFile = file.value("cluster-config-file")
        malformedLines = file.malformedLines
        directives = file.directives
        if let name = file.value("dbfilename") { dataNames.dump = name }
        if let name = file.value("appendfilename") { dataNames.appendOnly = name }
        if let name = file.value("appenddirname") { dataNames.appendOnlyDirectory = name }
    }

    /// Lines of redis.conf that a new one must keep for the data to be found.
    package var fileNames: [String] { dataNames.lines }
}
