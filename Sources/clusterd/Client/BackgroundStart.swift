import ClusterConfiguration
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

/// `up --detach`: starts the same program again in its own session, with its log in the data folder, and returns when the
/// cluster is ready.
struct BackgroundStart {
    /// Passed to the daemon in the background, which is this program with the same arguments.
    static let flag = "--in-background"
    static let logName = "clusterd.log"

    private let spec: ClusterSpec
    private let log: String
    private let pid: pid_t
    /// The number of bytes of the log that were shown.
    private var shown: Int
    /// Whether the log says that the cluster is ready. The status says so a moment earlier.
    private var wasSaid = false

    /// Makes every check that needs no daemon, so that the operator sees a refusal at once.
    init(_ options: Daemon.Options) throws {
        spec = try Configuration.load(options.configuration, options.defaults, options.commandLine).spec
        let user = try Preflight.user(spec)
        do {
            // Held only for a moment, to check that no other clusterd runs there.
            withExtendedLifetime(try Preflight.claim(spec, options.mode, user)) {}
        }
        log = "\(spec.dataDirectory)/\(Self.logName)"
        var status = stat()
        shown = stat(log, &status) == 0 ? Int(status.st_size) : 0
        let arguments = CommandWord.arguments.dropFirst().map(\.text).filter { $0 != "--detach" } + [Self.flag]
        do {
            pid = try spawn(
                SpawnOrder(
                    executable: Self.program, arguments: Array(arguments),
                    environment: CommandWord.environment.map(\.text), directory: Paths.currentDirectory, output: log))
        } catch {
            throw Failure("not-started", error.description)
        }
    }

    private static var program: String {
        let path = ProgramFile.find()
        return access(path, X_OK) == 0 ? path : "/proc/self/exe"
    }

    /// Shows the daemon's output until the cluster is ready. If the daemon exits before that, exits with its exit code.
    mutating func follow(_ timeout: Duration) throws {
        let option = Reach.option(for: spec)
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP]) { [pid] _ in
            Output.note("still starting: pid \(pid) · clusterd status\(option) · clusterd stop\(option)")
            Glibc.exit(ControlAPI.ExitCode.interrupted)
        }
        let client = ControlClient(socketPath: spec.control.socket ?? spec.dataDirectory + "/control.sock")
        let deadline = ContinuousClock.now + timeout
        while true {
            let hasEnded = ProcessWatch.wait(for: pid, limit: .milliseconds(25))
            show()
            if hasEnded { throw ended() }
            if let status = try? client.get(.status, StatusDocument.self, timeout: .seconds(1)),
                status.cluster.daemon.pid == pid
            {
                if status.cluster.ready { return tell(status, option) }
                if let finding = status.findings.first(where: {
                    $0.severity == .error && ReasonCode(rawValue: $0.code).map(Finding.lasting.contains) ?? false
                }) {
                    throw Failure(
                        "not-ready", "\(finding.message); clusterd continues (pid \(pid), log \(log))",
                        hint: "clusterd status\(option) · clusterd stop\(option)")
                }
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "the cluster is not ready after \(timeout); clusterd continues (pid \(pid), log \(log))",
                    hint: "clusterd status\(option) · clusterd stop\(option)")
            }
        }
    }

    private mutating func tell(_ status: StatusDocument, _ option: String) {
        let deadline = ContinuousClock.now + .seconds(2)
        repeat {
            show()
        } while !wasSaid && ContinuousClock.now < deadline && !ProcessWatch.wait(for: pid, limit: .milliseconds(5))
        let client = status.nodes.first.map {
            spec.speaksTLS ? "clusterd shell\(option)" : "redis-cli -c -p \($0.port)"
        }
        Output.note("running   in the background, pid \(pid); log: \(log)")
        Output.note("          clusterd status\(option)\(client.map { " · \($0)" } ?? "") · clusterd stop\(option)")
    }

    /// Shows complete lines that were written since the last call. Progress goes to stderr, as in the foreground.
    private mutating func show() {
        guard let bytes = try? readFile(log, from: shown, limit: 1 << 20), let end = bytes.lastIndex(of: 10) else {
            return
        }
        shown += end + 1
        let text = String(decoding: bytes[..<end], as: UTF8.self)
        wasSaid = wasSaid || text.split(separator: "\n").contains { $0.hasPrefix("ready ") }
        Output.note(text)
    }

    private func ended() -> CommandEnd {
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        let signal = status & 0x7F
        guard signal == 0 else {
            Output.note("error: clusterd was terminated by signal \(signal); log: \(log)")
            return CommandEnd(code: 128 + signal)
        }
        return CommandEnd(code: status >> 8 & 0xFF)
    }
}

/// The end of a command that has already printed everything.
struct CommandEnd: Error {
    var code: Int32
}

/// The option that selects a daemon on the command line.
enum Reach {
    /// Empty if commands find the daemon without an option.
    static func option(for spec: ClusterSpec) -> String {
        let usual = Paths.absolute("clusterd-data")
        if let socket = spec.control.socket {
            return socket == SocketChoice.systemSocket ? "" : " --socket \(ShellWord.quoted(socket))"
        }
        guard spec.dataDirectory != usual else { return "" }
        let here = Paths.currentDirectory + "/"
        let short =
            spec.dataDirectory.hasPrefix(here) ? String(spec.dataDirectory.dropFirst(here.count)) : spec.dataDirectory
        return " --dir \(ShellWord.quoted(short))"
    }
}
