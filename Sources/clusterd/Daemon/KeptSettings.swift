import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner

/// The settings that clusterd keeps from redis.conf files written by hand. The first start reads them from these files; later
/// starts and reloads read them from `kept-settings.yaml` in the data folder, before conf.d.
struct KeptSettings {
    static let fileName = "kept-settings.yaml"

    var files: [ConfigurationFile] = []
    var handMade: HandMadeSettings?

    static func find(
        _ files: [ConfigurationFile], _ defaults: ConfigurationDefaults, _ commandLine: CommandLineSettings
    ) throws(Failure) -> KeptSettings {
        guard defaults.temporaryPort == nil else { return KeptSettings() }
        let spec = ConfigurationLoader.outline(files, defaults, commandLine: commandLine)
        let path = spec.dataDirectory + "/" + fileName
        if access(path, F_OK) == 0 {
            do {
                return KeptSettings(
                    files: [ConfigurationFile(name: path, text: try readFile(path, limit: 2 << 20), isKept: true)])
            } catch {
                throw Configuration.refusal(["\(error)"])
            }
        }
        guard !hasRecord(spec) else { return KeptSettings() }
        return KeptSettings(handMade: try read(spec))
    }

    /// Writes the settings durably, before clusterd moves the first of those files out of the way.
    static func write(_ settings: HandMadeSettings, _ spec: ClusterSpec) throws(Failure) {
        let path = spec.dataDirectory + "/" + fileName
        do {
            try writeDurably(settings.yaml, to: path, mode: 0o600)
        } catch {
            throw Failure("settings-not-kept", error.description)
        }
        let lines = settings.summary(file: path)
        Output.note("settings  " + lines.joined(separator: "\n          "))
    }

    /// Whether there is a record. If so, the nodes are known, and clusterd has written their redis.conf.
    private static func hasRecord(_ spec: ClusterSpec) -> Bool {
        let path = spec.dataDirectory + "/state.json"
        guard access(path, F_OK) == 0 else { return false }
        guard let bytes = try? readFile(path, limit: 64 << 20) else { return true }
        do {
            _ = try RecordCoding.decode(bytes)
            return true
        } catch {
            if case .unreadable = error { return false }
            return true
        }
    }

    private static func read(_ spec: ClusterSpec) throws(Failure) -> HandMadeSettings? {
        let folders = survey(dataDirectory: spec.dataDirectory, extra: spec.nodesOwnFolders)
        guard folders.contains(where: { $0.redisConf?.isGenerated == false }) else { return nil }
        let engine = Engine(name: .redis, version: EngineVersion(7, 0, 0))
        let nodes = FolderClassification(folders, inUse: []).names(spec, engine: engine)
        var reading = HandMadeReading()
        for node in nodes where node.folder.redisConf?.isGenerated == false {
            reading.read(node.folder, node.name, node.client)
        }
        for folder in folders where !nodes.contains(where: { $0.folder == folder }) { reading.checkPlace(of: folder) }
        guard reading.errors.isEmpty else { throw Configuration.refusal(reading.errors) }
        guard !reading.files.isEmpty else { return nil }
        let settings = HandMadeSettings(reading.files) { access($0, F_OK) == 0 }
        return settings.isEmpty && settings.refusals.isEmpty ? nil : settings
    }
}

/// Reads redis.conf files and the files that they include.
struct HandMadeReading {
    private(set) var files: [HandMadeFile] = []
    private(set) var errors: [String] = []

    mutating func read(_ folder: DirectoryFacts, _ node: NodeName, _ client: Int) {
        guard let conf = folder.redisConf else { return }
        let path = "\(folder.path)/\(conf.fileName)"
        for line in conf.malformedLines { errors.append("\(path):\(line):1: unbalanced quotes") }
        let lines = self.lines(conf.directives, path, folder.path, depth: 0)
        files.append(HandMadeFile(node: node, folder: folder.path, client: client, lines: lines))
        checkPlace(of: folder)
    }

    /// Adds an error if a redis.conf names another folder for the node's data.
    mutating func checkPlace(of folder: DirectoryFacts) {
        guard let conf = folder.redisConf, !conf.isGenerated, let place = conf.dir, place.hasPrefix("/"),
            folder.nodesFile == .absent, folder.content.isEmpty, Paths.real(place) != Paths.real(folder.path)
        else { return }
        let there = directoryFacts(place)
        guard there.nodesFile != .absent || !there.content.isEmpty else { return }
        let line = conf.directives.last { $0.name == "dir" }?.line ?? 1
        errors.append(
            "\(folder.path)/\(conf.fileName):\(line):1: the node's files are in \(place), but clusterd looks for them next to "
                + "this file; move them here")
    }

    private mutating func lines(
        _ directives: [RedisConfFile.Directive], _ path: String, _ folder: String, depth: Int
    ) -> [HandMadeFile.Line] {
        directives.flatMap { directive -> [HandMadeFile.Line] in
            guard directive.name == "include" else {
                return [
                    .init(path: path, number: directive.line, name: directive.name, arguments: directive.arguments)
                ]
            }
            return included(directive.arguments.first ?? "", "\(path):\(directive.line):1", folder, depth: depth)
        }
    }

    /// The engine reads an included file in place of the line, and supports patterns since 7.0.
    private mutating func included(_ name: String, _ origin: String, _ folder: String, depth: Int) -> [HandMadeFile
        .Line]
    {
        let pattern = name.hasPrefix("/") ? name : "\(folder)/\(name)"
        guard depth < 8 else {
            errors.append("\(origin): include files are nested more than 8 levels deep")
            return []
        }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else {
            errors.append("\(origin): include names \(name), but there is no \(pattern)")
            return []
        }
        var all: [HandMadeFile.Line] = []
        for index in 0..<Int(found.gl_pathc) {
            guard let word = found.gl_pathv[index] else { continue }
            let path = Paths.absolute(String(cString: word))
            do throws(FileError) {
                let file = RedisConfFile(try readFile(path, limit: 4 << 20))
                for line in file.malformedLines { errors.append("\(path):\(line):1: unbalanced quotes") }
                all += lines(file.directives, path, folder, depth: depth + 1)
            } catch {
                errors.append("\(origin): include: \(error)")
            }
        }
        return all
    }
}
