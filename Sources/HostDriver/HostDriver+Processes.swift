import ClusterModel
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision

/// Effects on processes.
extension HostDriver {
    func start(_ order: Effect.StartRequest) async -> Outcome {
        // A start that has begun is not abandoned: it may still create a process.
        let job = FileWork.Order(order.directory, "starting a node in", order.directory)
        guard let spawning else { return await outcome(job, limit: nil) { self.launch(order) } }
        return await spawning.run { self.launch(order) }
    }

    private func launch(_ order: Effect.StartRequest) -> Outcome {
        let executable: String
        do throws(Failure) {
            executable = try self.executable(for: order)
        } catch {
            return .failed(error.message)
        }
        let log = order.directory + "/redis.log"
        let mark = LogFile.Mark(endOf: log)
        let cgroup = try? cgroups.get().open(order.node, memoryMax: order.memoryMax)
        defer { if let cgroup { close(cgroup) } }
        let command = SpawnOrder(
            executable: executable, arguments: [order.directory + "/redis.conf"], environment: Self.environment,
            directory: order.directory, output: log, user: user, openFiles: Self.openFiles,
            endsWithParent: spawning != nil, cgroup: cgroup)
        do {
            let identity = try watch.start(command, report(order.node, log: log, from: mark))
            return .process(identity, startedAt: wall())
        } catch {
            return .failed(error.description)
        }
    }

    /// The program of the order, if it still is the same engine.
    private func executable(for order: Effect.StartRequest) throws(Failure) -> String {
        guard let wanted = order.program else { return engine.path }
        let found = try EngineProgram.find(wanted.server)
        guard found.engine == wanted.engine else {
            throw Failure(.noEngine, "\(wanted.server) is \(found.engine) now, and no longer \(wanted.engine)")
        }
        return found.path
    }

    func adopt(_ node: NodeName, _ identity: ProcessIdentity) async -> Outcome {
        let log = "/proc/\(identity.pid)/cwd/redis.log"
        // The process is watched even if its disk does not respond.
        let mark = await files.run(.init("log of \(node)", "reading", log), limit: Self.logLimit) {
            LogFile.Mark(endOf: log)
        }
        do {
            try? cgroups.get().adopted(node, identity)
            try watch.watch(identity, report(node, log: log, from: mark ?? .unknown))
            return .process(identity, startedAt: startTime(identity))
        } catch {
            return .failed(error.description)
        }
    }

    /// Reports the exit of a process to the loop, with its log since `mark` and the counters of its cgroup.
    private func report(
        _ node: NodeName, log: String, from mark: LogFile.Mark
    ) -> @Sendable (ProcessIdentity, ProcessExit) -> Void {
        { [inbox, cgroups, files] identity, exit in
            let memory = try? cgroups.get().ended(node)
            @Sendable func reason(_ log: [String]) -> ExitReason { ExitReason(exit: exit, log: log, memory: memory) }
            // The exit is known now. The reason from the log is worth a short wait, and follows if it takes longer.
            Task {
                let lines = await files.run(
                    .init("log of \(node)", "reading", log), limit: Self.logLimit,
                    whenLate: { inbox.post(.explained(node, identity, reason($0))) }
                ) {
                    LogFile.lines(log, from: mark)
                }
                inbox.post(.exited(node, identity, reason(lines ?? [])))
            }
        }
    }

    private static let logLimit = Duration.milliseconds(100)

    /// Facts that were missing at the exit of a process: the kernel's log, and the node's own log if the exit was not observed.
    func inquire(_ identity: ProcessIdentity, log: String) async -> Outcome {
        await outcome(.init("inquiry", "reading", log)) { self.inquired(identity, log: log) }
    }

    private func inquired(_ identity: ProcessIdentity, log: String) -> Outcome {
        let named =
            identity.bootID == bootID ? KernelLog.namesKill(of: identity.pid, after: identity.startTime) : nil
        return .inquired(
            .init(
                of: identity, namedByKernel: named, memoryKills: memoryKills, exit: watch.exit(of: identity),
                log: LogFile.lines(log, ofProcess: identity.pid)))
    }

    func send(_ signal: Effect.Signal, to identity: ProcessIdentity) -> Outcome {
        do {
            try watch.signal(identity, signal == .kill ? SIGKILL : SIGTERM)
            return .done
        } catch {
            return .failed(error.description)
        }
    }

    /// Invariant: no-unrequested-stop. Compares and kills in immediate succession, because a process that looked hung may have
    /// continued since.
    func killHung(_ identity: ProcessIdentity, _ look: ProcessActivity) -> Outcome {
        guard ProcessTable.activity(of: identity) == look else { return .failed("the process state has changed") }
        return send(.kill, to: identity)
    }

    /// Compares, then continues: another process may have continued it meanwhile.
    func continueStopped(_ identity: ProcessIdentity, _ look: ProcessActivity) -> Outcome {
        guard ProcessTable.activity(of: identity) == look else { return .failed("the process state has changed") }
        do {
            try watch.signal(identity, SIGCONT)
            return .done
        } catch {
            return .failed(error.description)
        }
    }

    /// Invariant: clean-child. The environment of nodes, without variables of systemd or of clusterd.
    private static var environment: [String] {
        var values = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in ["HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "MALLOC_CONF", "TZ"] {
            if let value = getenv(name) { values.append("\(name)=\(String(cString: value))") }
        }
        return values
    }

    /// The start of an adopted process, from its start time in clock ticks since boot.
    private func startTime(_ identity: ProcessIdentity) -> WallTime {
        var boot = timespec()
        clock_gettime(CLOCK_BOOTTIME, &boot)
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let since = Int64(boot.tv_sec) * 1000 - Int64(identity.startTime * 1000 / ticks)
        return WallTime(milliseconds: wall().milliseconds - max(0, since))
    }
}
