import ClusterModel
import ControlAPI
import Glibc
import NIOPosix
import NodeFiles
import ProcessSupervision
import RESP
import RedisClient
import Synchronization

/// An engine for one command: it listens on a unix socket in a temporary folder only, writes no file, and is killed when this process ends
/// for any reason.
final class ThrowawayServer: Sendable {
    private let folder: ThrowawayFolder
    private let pid: pid_t
    private let isEnded = Mutex(false)

    private var socketPath: String { Self.socketPath(in: folder.path) }

    /// The thread that starts engines; the kernel kills them with it.
    private static let spawning = SpawningThread()
    private static let running = Mutex<[ThrowawayServer]>([])
    /// sun_path, unix(7), with its NUL.
    private static let longestSocketPath = 107
    /// How long an engine may load without progress.
    private static let patience = Duration.seconds(60)

    private init(_ folder: ThrowawayFolder, _ pid: pid_t) {
        self.folder = folder
        self.pid = pid
    }

    private static func socketPath(in folder: String) -> String { "\(folder)/socket" }

    /// - Parameters:
    ///   - dump: a file that it loads; it is read through a link, and never changed.
    ///   - options: further directives, as on its command line.
    static func start(
        _ server: String, loading dump: String? = nil, options: [String] = []
    ) async throws(Failure) -> ThrowawayServer {
        let parent = Paths.absolute(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        ThrowawayFolder.sweep(parent)
        let folder: ThrowawayFolder
        do throws(FileError) {
            folder = try ThrowawayFolder.make(in: parent)
        } catch {
            throw Failure("folder-unusable", error.description, hint: "choose another folder with TMPDIR")
        }
        guard socketPath(in: folder.path).utf8.count <= longestSocketPath else {
            try? folder.remove()
            throw Failure(
                "folder-unusable", "the path of \(parent) is too long for a socket",
                hint: "choose another folder with TMPDIR")
        }
        if let dump, symlink(dump, "\(folder.path)/dump.rdb") != 0 {
            let why = String(cString: strerror(errno))
            try? folder.remove()
            throw Failure("folder-unusable", "no link can be made in \(folder.path): \(why)")
        }
        let arguments = [
            "--port", "0", "--unixsocket", socketPath(in: folder.path), "--unixsocketperm", "700", "--dir", folder.path,
            "--dbfilename", "dump.rdb", "--save", "", "--appendonly", "no", "--cluster-enabled", "no", "--daemonize",
            "no",
        ]
        let order = SpawnOrder(
            executable: server, arguments: arguments + options, environment: ["PATH=/usr/bin:/bin"],
            directory: folder.path, output: logPath(in: folder.path), endsWithParent: true)
        let started = await spawning.run { Result { () throws(SpawnError) in try spawn(order) } }
        switch started {
        case .failure(let error):
            try? folder.remove()
            throw Failure("no-engine", error.description)
        case .success(let pid):
            let made = ThrowawayServer(folder, pid)
            running.withLock { $0.append(made) }
            return made
        }
    }

    /// Kills it and removes its folder. A second call does nothing.
    func end() {
        let isFirst = isEnded.withLock { ended in
            defer { ended = true }
            return !ended
        }
        guard isFirst else { return }
        // A child that was not reaped: its pid is not reused.
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        do throws(FileError) {
            try folder.remove()
        } catch {
            Output.note("warning: \(error.description); the next such command tries again")
        }
        Self.running.withLock { $0.removeAll { $0 === self } }
    }

    /// For a signal that ends this process.
    static func endAll() {
        for server in running.withLock({ $0 }) { server.end() }
    }

    // MARK: its state

    /// Connects, and waits until it has loaded its file.
    func loaded() async throws(Failure) -> RedisConnection {
        let connection = try await connected()
        var deadline = ContinuousClock.now + Self.patience
        var bytes: Int64 = -1
        while ContinuousClock.now < deadline {
            let info = try await info(connection, "persistence")
            guard info.integer("loading") == 1 else { return connection }
            if let now = info.integer("loading_loaded_bytes"), now != bytes {
                bytes = now
                deadline = ContinuousClock.now + Self.patience
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        throw Failure(
            "dump-unreadable", "a temporary engine made no progress while it loaded for \(Self.patience.inWords)")
    }

    private func connected() async throws(Failure) -> RedisConnection {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if hasExited { throw exitFailure }
            if access(socketPath, F_OK) == 0, let made = try? await connect() { return made }
            try? await Task.sleep(for: .milliseconds(20))
        }
        throw Failure("no-engine", "a temporary engine did not answer for 20 s: \(lastLine)")
    }

    func connect(onPush: RedisConnection.PushHandler? = nil) async throws(RedisClientError) -> RedisConnection {
        try await RedisConnection.connect(
            unixSocket: socketPath, limits: .forCopies, onPush: onPush, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(5))
    }

    private func info(_ connection: RedisConnection, _ section: String) async throws(Failure) -> InfoReply {
        let answer: RESPValue
        do throws(RedisClientError) {
            answer = try await connection.send(RESPCommand("INFO", section), timeout: Self.patience)
        } catch {
            // It ends while it loads a file that it does not understand.
            throw hasExited || ProcessWatch.wait(for: pid, limit: .seconds(2))
                ? exitFailure : Failure("no-engine", "a temporary engine: \(error.description)")
        }
        return InfoReply(answer.text ?? "")
    }

    private var hasExited: Bool { ProcessWatch.wait(for: pid, limit: .zero) }

    private var exitFailure: Failure {
        Failure("dump-unreadable", "a temporary engine ended: \(lastLine)")
    }

    private static func logPath(in folder: String) -> String { "\(folder)/engine.log" }

    /// The last line that it wrote.
    var lastLine: String {
        let bytes = (try? readFile(Self.logPath(in: folder.path), limit: 1 << 20)) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        return lines.last.map { TerminalText.visible(String($0)) } ?? "its log is empty"
    }
}
