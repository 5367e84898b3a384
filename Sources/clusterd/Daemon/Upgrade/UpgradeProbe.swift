import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc
import HostDriver
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// Tries the program on disk before an upgrade in place: starts it beside the daemon with the same arguments and one more flag.
/// It reads the configuration, the record and the handoff, prints its version, and exits. A program that cannot do that would
/// leave the cluster unsupervised.
struct UpgradeProbe: Sendable {
    /// The output of a program that could take over.
    struct Report: Sendable, Codable {
        var version: String
        var takesOver = true
    }

    static let flag = "--try-to-take-over"
    /// On a host so slow that the engine takes this long to print its version, an upgrade has to wait.
    static let limit = Duration.seconds(20)

    let program: String
    /// Identifies the file that was tried.
    let stamp: FileStamp
    let report: Report

    // MARK: in the new program

    /// Makes all checks of a start before it changes anything.
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
                    "cluster.data-dir is now \(loaded.spec.dataDirectory), but the data of the running cluster are in "
                        + inherited.dataDirectory,
                    hint: "set it back, or stop the cluster first: clusterd stop")
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
                "not-asked", "\(flag) is for internal use during an upgrade in place",
                hint: "clusterd reexec")
        case .notUnderstood?:
            throw Failure(
                "not-understood",
                "clusterd \(Clusterd.programVersion) does not understand what the running clusterd hands over",
                hint: "clusterd detach, then start it again: the nodes keep running")
        }
    }

    // MARK: in the running program

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

    /// nil: the probe did not exit in time, and was killed.
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
        guard let exit else {
            throw failure("\(program) did not report within \(limit.inWords) whether it can take over")
        }
        let lines = output.split(separator: 10)
        if exit.code == 0 {
            if let report = lines.lazy.compactMap({ try? ControlJSON.decode(Report.self, from: Array($0)) }).last {
                return report
            }
            throw failure("\(program) is not a clusterd that can take over from a running one")
        }
        if let error = lines.lazy.compactMap({ try? ControlJSON.decode(ErrorDocument.self, from: Array($0)) }).last?
            .error
        {
            throw error
        }
        let said = lines.prefix(3).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " · ")
        throw failure("\(program) \(ExitReason.past(exit.cause))\(said.isEmpty ? "" : ": \(said)")")
    }

    private static func failure(_ words: String) -> Failure {
        Failure(
            "cannot-take-over", words, hint: "the running clusterd continues; install a working clusterd there")
    }
}
