import ClusterModel
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

/// The server program for nodes, with its version. It supports Redis Cluster.
package struct EngineProgram: Sendable {
    /// Absolute.
    package var path: String
    package var engine: Engine
    /// The allocator of the build: `jemalloc-5.2.1`, `libc` …
    package var allocator: String?

    package static let oldest = EngineVersion(6, 2, 0)

    /// Finds `server`, a path or a name on PATH, and reads its version.
    package static func find(_ server: String) throws(Failure) -> EngineProgram {
        guard let path = locate(server) else {
            throw Failure(
                .noEngine, "there is no \(server)\(server.contains("/") ? "" : " on PATH")",
                hint: "sudo apt-get install redis-server, or set --server or engine.server")
        }
        let result = run(path, ["--version"], in: "/tmp")
        guard let text = result.output, let engine = engine(in: text) else {
            throw Failure(
                .noEngine,
                "\(path) is not a Redis or Valkey server: \(firstLine(result.output) ?? "it prints nothing for --version")",
                hint: "select another with --server or engine.server")
        }
        if engine.name == .redis, engine.version < oldest {
            throw Failure(
                .engineTooOld, "\(path) is \(engine); clusterd needs Redis 6.2 or later, or Valkey",
                hint: "select another with --server or engine.server")
        }
        return EngineProgram(path: path, engine: engine, allocator: word("malloc=", in: text))
    }

    /// `Redis server v=7.0.15 sha=…`, `Valkey server v=9.1.2 …`.
    static func engine(in text: String) -> Engine? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count > 2, words[1] == "server", let version = words.first(where: { $0.hasPrefix("v=") }) else {
            return nil
        }
        let number = version.dropFirst(2)
        switch words[0].lowercased() {
        case "redis": return EngineVersion(number).map { Engine(name: .redis, version: $0) }
        case "valkey": return EngineVersion(number).map { Engine(name: .valkey, version: $0) }
        default: return nil
        }
    }

    /// The engine's complaint about a configuration, without a running server: without port and socket the engine exits at once,
    /// after it has read every line (`initListeners`, src/server.c). nil: it accepts all lines.
    package func complaint(about plan: RedisConfPlan, in folder: String) -> Complaint? {
        let path = folder + "/config-check.conf"
        defer { unlink(path) }
        guard (try? writeDurably(plan.bytes, to: path, mode: 0o600)) != nil else { return nil }
        let lines = (Self.run(self.path, [path], in: folder).output ?? "").split(separator: "\n").map(String.init)
        // A build without TLS accepts the TLS directives, and only its log says so (src/server.c, 7.2 and later).
        let log = (try? readFile(folder + "/redis.log", limit: 1 << 20)) ?? []
        if String(decoding: log, as: UTF8.self).contains("Failed finding TLS support") {
            return Complaint(line: 0, words: "", isWithoutTLS: true)
        }
        guard let at = lines.firstIndex(where: { $0.hasPrefix("*** FATAL CONFIG FILE ERROR") }), at + 1 < lines.count
        else { return nil }
        let number = lines[at + 1].split { !$0.isNumber }.last.flatMap { Int($0) } ?? 0
        let words = lines.suffix(from: at + 2).filter { !$0.isEmpty && !$0.hasPrefix(">>> ") }.joined(separator: " ")
        let line = plan.lines.indices.contains(number - 1) ? plan.lines[number - 1].text : ""
        return Complaint(
            line: number, words: words, isWithoutTLS: line.hasPrefix("tls-") && words.contains("Bad directive"))
    }

    package struct Complaint: Sendable {
        /// The line in redis.conf, from 1.
        package var line: Int
        package var words: String
        package var isWithoutTLS: Bool
    }

    private static func word(_ prefix: String, in text: String) -> String? {
        text.split { $0 == " " || $0 == "\n" }.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    private static func firstLine(_ text: String?) -> String? {
        text?.split(separator: "\n").first.map(String.init)
    }

    private static func locate(_ server: String) -> String? {
        if server.contains("/") {
            let absolute = server.hasPrefix("/") ? server : currentDirectory() + "/" + server
            return access(absolute, X_OK) == 0 ? absolute : nil
        }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(server)" }.first { access($0, X_OK) == 0 }
    }

    private static func currentDirectory() -> String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    /// Runs a program until it exits, with its output in a file, up to a time limit.
    static func run(
        _ path: String, _ arguments: [String], in folder: String, limit: Duration = .seconds(10)
    ) -> (output: String?, ended: Bool) {
        var template = Array((folder + "/.clusterd-XXXXXX").utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { return (nil, false) }
        close(file)
        let output = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(output) }
        guard
            let pid = try? spawn(
                SpawnOrder(
                    executable: path, arguments: arguments, environment: ["PATH=/usr/bin:/bin"], directory: folder,
                    output: output))
        else { return (nil, false) }
        let ended = ProcessWatch.wait(for: pid, limit: limit)
        if !ended { kill(pid, SIGKILL) }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        let bytes = (try? readFile(output, limit: 1 << 16)) ?? []
        return (String(decoding: bytes, as: UTF8.self), ended)
    }
}
