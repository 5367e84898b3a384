import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc
import HostDriver
import NodeFiles
import Orchestrator
import Planner
import RedisClient

/// Reads conf.d, and lets the engine check the directives.
enum Configuration {
    static func load(
        _ paths: [String], _ defaults: ConfigurationDefaults, _ commandLine: CommandLineSettings
    ) throws(Failure) -> LoadedConfiguration {
        try load(files(paths), defaults, commandLine, by: .daemon)
    }

    static func load(
        _ files: [ConfigurationFile], _ defaults: ConfigurationDefaults, _ commandLine: CommandLineSettings,
        by reader: SecretReader
    ) throws(Failure) -> LoadedConfiguration {
        let kept = try KeptSettings.find(files, defaults, commandLine)
        do {
            return try ConfigurationLoader.load(
                kept.files + files, defaults, commandLine: commandLine, handMade: kept.handMade, readSecret: reader.read
            )
        } catch {
            throw refusal(error.errors.map(\.description))
        }
    }

    /// The engine, after it has accepted every directive.
    static func engine(for spec: ClusterSpec) throws(Failure) -> EngineProgram {
        let program = try EngineProgram.find(spec.server)
        try test(spec, program)
        return program
    }

    private static func test(_ spec: ClusterSpec, _ program: EngineProgram) throws(Failure) {
        var template = Array("/tmp/clusterd-check-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in (try? listDirectory(folder)) ?? [] { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        for name in [nil] + spec.overrides.keys.sorted().map(Optional.some) {
            let plan = RedisConfPlan(
                spec, name: name, ports: PortPair(client: 0, bus: 10000), directory: folder, nodesFileName: "nodes.conf"
            )
            guard let complaint = program.complaint(about: plan, in: folder) else { continue }
            if spec.speaksTLS, complaint.isWithoutTLS {
                throw refusal([
                    "\(origin("tls-cert-file", spec)): \(program.engine) at \(program.path) was built without TLS"
                ])
            }
            let line = plan.lines.indices.contains(complaint.line - 1) ? plan.lines[complaint.line - 1] : nil
            let (text, words) = shown(line, complaint.words)
            throw refusal([
                "\(line?.origin.description ?? "redis.conf"): \(program.engine) rejects '\(text)': \(words)"
            ])
        }
    }

    /// Checks the folders and files that the configuration names.
    static func checkFiles(_ spec: ClusterSpec) throws(Failure) {
        var lines = FilesOfConfiguration.complaints(spec)
        for (name, files) in spec.certificatesByNode {
            for complaint in CertificateFiles.complaints(files) {
                let line = "\(origin(complaint.directive, spec, name)): redis.\(complaint.directive): \(complaint)"
                if !lines.contains(line) { lines.append(line) }
            }
        }
        if !lines.isEmpty { throw refusal(lines) }
    }

    private static func origin(_ directive: String, _ spec: ClusterSpec, _ node: NodeName? = nil) -> ClusterSpec.Origin
    {
        let own = node.flatMap { spec.overrides[$0]?.directives } ?? []
        return (own.last { $0.name == directive } ?? spec.directives.last { $0.name == directive })?.origin ?? .builtIn
    }

    /// A line and the engine's complaint about it, without a password: the engine repeats the word that it rejects.
    private static func shown(_ line: RedisConfPlan.Line?, _ words: String) -> (text: String, words: String) {
        guard let line, let name = line.text.split(separator: " ").first else { return ("", words) }
        guard SettingValue.isSecret(String(name)) else { return (line.text, words) }
        let reason = words.lastIndex(of: "'").map { words[words.index(after: $0)...].drop { ": ".contains($0) } }
        return ("\(name) (hidden)", String(reason ?? words[...]))
    }

    static func refusal(_ lines: [String]) -> Failure {
        Failure(
            "configuration", lines.joined(separator: "\n       "), hint: "nothing was started and nothing was changed")
    }

    static func files(_ paths: [String]) throws(Failure) -> [ConfigurationFile] {
        var found: [ConfigurationFile] = []
        for path in paths {
            do {
                var status = stat()
                guard stat(path, &status) == 0 else { throw FileError("read", path, code: errno) }
                if status.st_mode & S_IFMT == S_IFDIR {
                    for name in try listDirectory(path).sorted() where name.hasSuffix(".yaml") && !name.hasPrefix(".") {
                        found.append(
                            .init(name: "\(path)/\(name)", text: try readFile("\(path)/\(name)", limit: 2 << 20)))
                    }
                } else {
                    found.append(.init(name: path, text: try readFile(path, limit: 2 << 20)))
                }
            } catch {
                throw Failure(
                    "configuration", "\(error)", hint: "give a file or a folder with --config")
            }
        }
        return found
    }
}

enum Paths {
    /// The absolute path, without `.` and `..`; links are not resolved.
    static func absolute(_ path: String) -> String {
        var parts: [Substring] = []
        let whole = path.hasPrefix("/") ? path : currentDirectory + "/" + path
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The path with links resolved in the part that exists, and the rest unchanged.
    static func real(_ path: String) -> String {
        var existing = path
        var rest = ""
        while true {
            if let found = realpath(existing, nil) {
                defer { free(found) }
                return String(cString: found) + rest
            }
            guard let slash = existing.lastIndex(of: "/"), slash != existing.startIndex else { return path }
            rest = existing[slash...] + rest
            existing = String(existing[..<slash])
        }
    }

    static var currentDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
