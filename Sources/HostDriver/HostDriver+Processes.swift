import ClusterModel
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// Effects on processes.
extension HostDriver {
    func start(_ order: Effect.StartRequest) -> Outcome {
        let log = order.directory + "/redis.log"
        let logged = size(of: log)
        let command = SpawnOrder(
            executable: engine.path, arguments: [order.directory + "/redis.conf"], environment: Self.environment,
            directory: order.directory, output: log, user: user, openFiles: Self.openFiles)
        do {
            let identity = try watch.start(command, report(order.node, log: log, from: logged))
            return .process(identity, startedAt: wall())
        } catch {
            return .failed(error.description)
        }
    }

    func adopt(_ node: NodeName, _ identity: ProcessIdentity) -> Outcome {
        let log = "/proc/\(identity.pid)/cwd/redis.log"
        do {
            try watch.watch(identity, report(node, log: log, from: size(of: log)))
            return .process(identity, startedAt: startTime(identity))
        } catch {
            return .failed(error.description)
        }
    }

    /// Tells the loop of the end of a process, with what it wrote to its log since `offset`.
    private func report(
        _ node: NodeName, log: String, from offset: Int
    ) -> @Sendable (ProcessIdentity, ProcessExit) -> Void {
        { [inbox] identity, exit in
            let tail = Self.logTail(log, from: offset)
            inbox.post(.exited(node, identity, ExitReason(exit: exit, logTail: tail)))
        }
    }

    func send(_ signal: Effect.Signal, to identity: ProcessIdentity) -> Outcome {
        do {
            try watch.signal(identity, signal == .kill ? SIGKILL : SIGTERM)
            return .done
        } catch {
            return .failed(error.description)
        }
    }

    /// What nodes inherit: nothing of systemd's, nothing of clusterd's own.
    private static var environment: [String] {
        var values = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in ["HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "MALLOC_CONF", "TZ"] {
            if let value = getenv(name) { values.append("\(name)=\(String(cString: value))") }
        }
        return values
    }

    private func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The last lines that a process wrote, of those after `offset`.
    private static func logTail(_ path: String, from offset: Int) -> [String] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return [] }
        let size = Int(status.st_size)
        let start = max(size < offset ? 0 : offset, size - 16384)
        var bytes = [UInt8](repeating: 0, count: max(0, size - start))
        let count = pread(file, &bytes, bytes.count, start)
        let lines = bytes.prefix(max(0, count)).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        return lines.suffix(40)
    }

    /// The moment at which an adopted process began, out of its start time in clock ticks since boot.
    private func startTime(_ identity: ProcessIdentity) -> WallTime {
        var boot = timespec()
        clock_gettime(CLOCK_BOOTTIME, &boot)
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let since = Int64(boot.tv_sec) * 1000 - Int64(identity.startTime * 1000 / ticks)
        return WallTime(milliseconds: wall().milliseconds - max(0, since))
    }
}
