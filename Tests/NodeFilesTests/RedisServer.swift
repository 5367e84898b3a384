import ClusterModel
import Foundation

/// A real engine in a folder of its own, for the duration of a test.
struct RedisServer {
    /// Paths of engines to test with, colon-separated; without it the redis-server on PATH.
    static let programs: [String] = {
        let environment = ProcessInfo.processInfo.environment
        if let list = environment["CLUSTERD_TEST_ENGINES"] { return list.split(separator: ":").map(String.init) }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/redis-server" }.filter { (path: String) in access(path, X_OK) == 0 }.prefix(1).map {
            $0
        }
    }()

    let program: String
    let port: Int
    let process: Process

    struct Trouble: Error, CustomStringConvertible { var description: String }

    static func engine(_ program: String) throws -> Engine {
        let text = try run(program, ["--version"])
        guard let field = text.split(separator: " ").first(where: { $0.hasPrefix("v=") }),
            let version = EngineVersion(field.dropFirst(2))
        else { throw Trouble(description: "no version in: \(text)") }
        return Engine(name: text.hasPrefix("Valkey") ? .valkey : .redis, version: version)
    }

    static func start(_ program: String, in folder: String, port: Int? = nil, _ options: [String] = []) async throws
        -> RedisServer
    {
        let port = try port ?? freePort()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments =
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--pidfile", "", "--logfile",
                "\(folder)/redis.log",
            ]
            + options
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let server = RedisServer(program: program, port: port, process: process)
        let deadline = ContinuousClock.now + .seconds(20)
        while (try? server.call("PING"))?.hasPrefix("PONG") != true {
            guard process.isRunning, ContinuousClock.now < deadline else {
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                let log = (try? String(contentsOfFile: "\(folder)/redis.log", encoding: .utf8)) ?? ""
                throw Trouble(description: "\(program) did not start: \(log.suffix(800))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return server
    }

    @discardableResult
    func call(_ command: String...) throws -> String {
        try Self.run("/usr/bin/env", ["redis-cli", "-p", "\(port)"] + command)
    }

    /// Ends it like `kill -9`: the files on disk stay as they are.
    func kill9() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func shutdown(_ options: String...) {
        _ = try? Self.run("/usr/bin/env", ["redis-cli", "-p", "\(port)", "SHUTDOWN"] + options)
        process.waitUntilExit()
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bus port must be free, too, and below the range of outgoing connections.
    static func freePort() throws -> Int {
        for _ in 0..<200 {
            let port = Int.random(in: 11000..<21000)
            if [port, port + 10000].allSatisfy(isFree) { return port }
        }
        throw Trouble(description: "no free pair of ports")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// A folder that is removed after the test.
final class TemporaryFolder: Sendable {
    let path: String

    init(in parent: String = NSTemporaryDirectory()) throws {
        path = URL(fileURLWithPath: parent).appendingPathComponent("clusterd-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func make(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        return "\(path)/\(name)"
    }

    func write(_ name: String, _ text: String) throws {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
}

func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
