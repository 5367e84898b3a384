import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc
import HostDriver
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// Tries the program that is now on disk before it takes the place of the one that runs: it is started beside it with the same
/// arguments and a flag more, reads the configuration, the record and what it is to inherit, says which version it is, and ends. A
/// program that cannot do this much would take the cluster's supervision with it.
struct UpgradeProbe: Sendable {
    /// What a program says that could take over.
    struct Report: Sendable, Codable {
        var version: String
        var takesOver = true
    }

    static let flag = "--try-to-take-over"
    /// On a host so slow that the engine takes this long to say its version, it is not the time for it.
    static let limit = Duration.seconds(20)

    let program: String
    /// Which file was tried.
    let stamp: FileStamp
    let report: Report

    // MARK: in the program that is tried

    /// All that a start looks at before it touches anything.
    static func answer(_ options: Daemon.Options) throws {
        do throws(Failure) {
            let inherited = try offered()
            var loaded = try Configuration.load(options.configuration, options.defaults, options.commandLine)
            _ = try Configuration.engine(for: loaded.spec)
            try Configuration.checkFiles(loaded.spec)
            try Preflight.check(loaded.spec)
            _ = try Preflight.user(loaded.spec)
            guard loaded.spec.dataDirectory == inherited.dataDirectory else {
                throw Failure(
                    "other-folder",
                    "cluster.data-dir is \(loaded.spec.dataDirectory) by now, and the cluster that runs lies in "
                        + inherited.dataDirectory,
                    hint: "set it back, or stop the cluster first: clusterd stop",
                    exit: ControlAPI.ExitCode.configuration)
            }
            if let record = try StoredRecord.read(loaded.spec.dataDirectory, mayMove: false).record {
                try Daemon.fit(&loaded, to: record, options)
                try Preflight.checkTransport(loaded.spec, record)
            }
        } catch {
            throw error.json(true)
        }
        Output.result((try? ControlJSON.encode(Report(version: Clusterd.programVersion))) ?? [])
    }

    private static func offered() throws(Failure) -> UpgradeHandoff {
        switch Clusterd.offer {
        case .tried(let inherited)?: return inherited
        case .ours?, nil:
            throw Failure(
                "not-asked", "\(flag) is for a clusterd that is about to be replaced",
                hint: "clusterd reexec", exit: ControlAPI.ExitCode.usage)
        case .notUnderstood?:
            throw Failure(
                "not-understood",
                "clusterd \(Clusterd.programVersion) does not understand what the one that runs hands on",
                hint: "clusterd detach, then start it again: the nodes go on running",
                exit: ControlAPI.ExitCode.failed)
        }
    }

    // MARK: in the one that runs

    init(_ program: String, _ environment: [CommandWord], _ driver: HostDriver) async throws(Failure) {
        self.program = program
        guard let stamp = FileStamp(program) else {
            throw Self.failure("there is no \(program): \(String(cString: strerror(errno)))")
        }
        self.stamp = stamp
        let output = "\(driver.spec.dataDirectory)/.reexec-probe"
        unlink(output)
        defer { unlink(output) }
        let order = SpawnOrder(
            executable: program, arguments: CommandWord.arguments.dropFirst().map(\.text) + [Self.flag],
            environment: environment.map(\.text), directory: Paths.currentDirectory, output: output)
        let exit = try await Self.end(of: order, driver)
        report = try Self.read(program, exit, (try? readFile(output, limit: 1 << 16)) ?? [])
    }

    /// nil: it did not end in time, and was killed.
    private static func end(of order: SpawnOrder, _ driver: HostDriver) async throws(Failure) -> ProcessExit? {
        let (exits, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
        let identity: ProcessIdentity
        do {
            identity = try driver.watch.start(order) { _, exit in
                continuation.yield(exit)
                continuation.finish()
            }
        } catch {
            throw failure(error.description)
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            try? driver.watch.signal(identity, SIGKILL)
            return true
        }
        var exit: ProcessExit?
        for await known in exits { exit = known }
        timer.cancel()
        let isLate = (try? await timer.value) ?? false
        return isLate ? nil : exit
    }

    private static func read(_ program: String, _ exit: ProcessExit?, _ output: [UInt8]) throws(Failure) -> Report {
        guard let exit else { throw failure("\(program) did not say within \(limit.inWords) whether it can take over") }
        let lines = output.split(separator: 10)
        if exit.code == 0 {
            if let report = lines.lazy.compactMap({ try? ControlJSON.decode(Report.self, from: Array($0)) }).last {
                return report
            }
            throw failure("\(program) is no clusterd that can take over from one that runs")
        }
        if let error = lines.lazy.compactMap({ try? ControlJSON.decode(ErrorDocument.self, from: Array($0)) }).last?
            .error
        {
            throw Failure(error)
        }
        let said = lines.prefix(3).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " · ")
        throw failure("\(program) \(ExitReason.past(exit.cause))\(said.isEmpty ? "" : ": \(said)")")
    }

    private static func failure(_ words: String) -> Failure {
        Failure(
            "cannot-take-over", words, hint: "clusterd goes on as before; put a clusterd there that runs",
            exit: ControlAPI.ExitCode.failed)
    }
}
