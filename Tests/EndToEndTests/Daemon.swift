import ControlAPI
import ControlClient
import Foundation
import Testing

/// The program as built, run as an operator would, in its own folder on its own ports.
final class Daemon {
    static let program: String = {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let beside = tests.appendingPathComponent("clusterd").path
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appendingPathComponent(".build/debug/clusterd").path
    }()

    let home: String
    let base: Int
    /// The command that `up` runs.
    var program = Daemon.program
    /// The program and arguments that wrap it, if any.
    var launcher: [String] = []
    private(set) var process = Process()
    var data: String { home + "/data" }
    private var log: String { home + "/up.log" }

    init(base: Int? = nil) throws {
        home = NSTemporaryDirectory() + "clusterd-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        self.base = try base ?? Ports.free(10)
    }

    /// Kills the daemon and every remaining node, by pid, and removes the folder.
    func cleanUp() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for pid in nodePIDs() { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(atPath: home)
    }

    @discardableResult
    func up(
        _ arguments: [String] = [], environment: [String: String] = [:], input: FileHandle = .nullDevice
    ) throws -> Daemon {
        process = Process()
        let words = launcher + [program, "up", "--dir", data, "--port", String(base)] + arguments
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: home)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let handle = try #require(FileHandle(forWritingAtPath: log))
        handle.seekToEndOfFile()
        process.standardError = handle
        process.standardOutput = handle
        process.standardInput = input
        try process.run()
        return self
    }

    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
    var client: ControlClient { ControlClient(socketPath: data + "/control.sock") }

    func status() throws -> StatusDocument { try client.send(.status).decode(StatusDocument.self) }
    func operations() throws -> [OperationDocument] {
        try client.send(.operations).decode(OperationsDocument.self).operations
    }

    func ready(_ limit: Duration = .seconds(60), _ location: SourceLocation = #_sourceLocation) async throws {
        let isReady = await eventually(within: limit) { [self] in
            try process.isRunning && status().cluster.ready
        }
        try #require(isReady, "not ready: \(output.suffix(1500))", sourceLocation: location)
    }

    func ended(_ limit: Duration = .seconds(60)) async -> Int32? {
        await eventually(within: limit) { [self] in !process.isRunning } ? process.terminationStatus : nil
    }

    /// Kills a master with SIGKILL, and waits until its replica has taken over and it is back as a replica.
    func loseAMaster() async throws {
        let victim = try #require(try status().nodes.first { $0.role == .master })
        kill(try #require(victim.pid), SIGKILL)
        let isReplaced = await eventually { [self] in
            let status = try status()
            return status.cluster.ready && status.nodes.first { $0.name == victim.name }?.role == .replica
        }
        #expect(isReplaced, "\(output.suffix(1500))")
    }

    func stop() async throws {
        kill(process.processIdentifier, SIGINT)
        let status = await ended()
        #expect(status == 0, "\(output.suffix(800))")
        #expect(nodePIDs().isEmpty)
    }

    /// Processes whose working directory is in this daemon's home.
    func nodePIDs() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard pid != process.processIdentifier else { return false }
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return link?.hasPrefix(data) ?? false
        }
    }

    /// Runs the program until it exits.
    static func run(
        _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:]
    ) throws -> (exit: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, words)
    }

    func command(_ arguments: [String]) throws -> (exit: Int32, output: String, errors: String) {
        try Self.run(arguments + ["--socket", data + "/control.sock"])
    }

    /// A running command; it occupies no thread, as the tests have only as many as the machine has cores.
    func begin(_ arguments: [String]) throws -> (process: Process, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments + ["--socket", data + "/control.sock"]
        let errors = home + "/client.log"
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return (process, errors)
    }
}

func withDaemon(_ body: (Daemon) async throws -> Void) async throws {
    try await Seats.all.seated(1) {
        let daemon = try Daemon()
        defer { daemon.cleanUp() }
        try await body(daemon)
    }
}

/// Runs exclusively: a test that loads the whole machine would delay others.
func alone(_ body: () async throws -> Void) async throws { try await Seats.all.seated(Seats.count, body) }

/// How many clusters are up at once, regardless of parallel tests: on a small machine more of them are not faster, and
/// delays look like failures.
actor Seats {
    static let count = max(3, ProcessInfo.processInfo.activeProcessorCount)
    static let all = Seats()

    /// A test that already holds seats takes no others, or two could wait for each other.
    @TaskLocal private static var isSeated = false

    private var free = Seats.count
    private var waiting: [(wanted: Int, continuation: CheckedContinuation<Void, Never>)] = []

    nonisolated func seated(_ wanted: Int, _ body: () async throws -> Void) async throws {
        if Self.isSeated { return try await body() }
        await take(wanted)
        do {
            try await Self.$isSeated.withValue(true) { try await body() }
        } catch {
            await give(wanted)
            throw error
        }
        await give(wanted)
    }

    private func take(_ wanted: Int) async {
        guard waiting.isEmpty, free >= wanted else {
            return await withCheckedContinuation { waiting.append((wanted, $0)) }
        }
        free -= wanted
    }

    private func give(_ count: Int) {
        free += count
        while let first = waiting.first, free >= first.wanted {
            free -= first.wanted
            waiting.removeFirst().continuation.resume()
        }
    }
}
