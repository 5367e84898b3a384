/// The contents of one folder that is, was or may become a node's.
package struct DirectoryFacts: Hashable, Sendable {
    /// Absolute.
    package var path: String
    package var exists = false
    /// Whether it is the data folder itself, in which clusterd keeps its own files: it is never a node's folder.
    package var isDataFolder = false
    package var ownerUserID: UInt32?
    /// For the user that runs clusterd.
    package var writable = false
    package var nodesFile = NodesFileState.absent
    /// nil if there is none.
    package var nodesFileName: String?
    package var content = DirectoryContent()
    package var redisConf: RedisConfFacts?
    /// The names by which an engine finds the existing data: from redis.conf, or from the folder's contents.
    package var dataNames = DataFileNames()
    /// Of the folder itself.
    package var modified: WallTime?
    /// Of its file system, for the user that runs clusterd.
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

/// The names of the engine's data files (`dbfilename`, `appendfilename`, `appenddirname`).
package struct DataFileNames: Hashable, Sendable {
    package var dump = "dump.rdb"
    package var appendOnly = "appendonly.aof"
    package var appendOnlyDirectory = "appendonlydir"

    package init() {}

    /// The probable names if no redis.conf has them (servers started by a script with `--dbfilename` and so on): the engine's default names
    /// if such a file exists, otherwise the name of the only file of its kind.
    /// - Parameters:
    ///   - names: the contents of the folder.
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

    /// As lines of redis.conf; only those that differ from the engine's defaults, so that 6.2 need not know `appenddirname`.
    package var lines: [String] {
        let own = DataFileNames()
        return [
            ("dbfilename", dump, own.dump), ("appendfilename", appendOnly, own.appendOnly),
            ("appenddirname", appendOnlyDirectory, own.appendOnlyDirectory),
        ].filter { $0.1 != $0.2 }.map { RedisConfFile.render(name: $0.0, arguments: [$0.1]) }
    }
}

/// The redis.conf in a node's folder.
package struct RedisConfFacts: Hashable, Sendable {
    /// The first words of a redis.conf that clusterd has written.
    package static let marker = "# Written by clusterd"

    package var fileName: String
    package var isGenerated: Bool
    /// The port for clients, with or without TLS.
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

    /// Lines of redis.conf that a new one must keep so that the engine finds the data.
    package var fileNames: [String] { dataNames.lines }
}
