import CProcess
import ClusterModel
import Glibc
import Synchronization

package enum ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has ended, or its pid means another process now, or nobody watches it here.
    case gone
    case notPermitted
    /// errno.
    case failed(Int32)

    package var description: String {
        switch self {
        case .gone: "the process has ended"
        case .notPermitted: "not permitted: the process belongs to another user"
        case .failed(let code): errorText(code)
        }
    }
}

/// Watches processes by pidfd (pidfd_open(2)): those that were started here, and those that were found running. One thread
/// waits for all of them and says within a millisecond which one ended and how. A process is signalled only through its
/// pidfd, so never another one that got its pid (invariant: own-process).
package final class ProcessWatch: Sendable {
    /// Called once, on the watching thread: it must be short. Children are reaped by then.
    package typealias Handler = @Sendable (ProcessIdentity, ProcessExit) -> Void

    private struct Watched {
        var identity: ProcessIdentity
        /// nil: a child of the program that this one replaced, which nobody has asked for yet.
        var handler: Handler?
    }

    private struct State {
        /// By pidfd.
        var watched: [Int32: Watched] = [:]
        /// How such children ended that nobody had asked for by then.
        var unclaimed: [ProcessIdentity: ProcessExit] = [:]
    }

    private let epoll: Int32
    /// Held while a pidfd is used, so that none is closed, and its number given to another, meanwhile.
    private let state = Mutex(State())

    /// One for the life of the process: its thread never ends.
    package init() {
        cl_keep_exit_statuses()
        epoll = cl_epoll_create()
        precondition(epoll >= 0, "processes cannot be watched, epoll_create1: \(errorText(errno))")
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, Self.body, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "processes cannot be watched, pthread_create: \(errorText(code))")
        pthread_detach(thread)
    }

    /// Starts a process and watches it. If it cannot be watched, it is killed and reaped before this throws: no process is
    /// left that nobody would see end.
    package func start(_ order: SpawnOrder, _ handler: @escaping Handler) throws(SpawnError) -> ProcessIdentity {
        let pid = try spawn(order)
        // It is our child and not reaped: until then its pid is its own, even if it has ended.
        guard let stat = ProcessTable.Stat(pid) else {
            Self.bury(pid)
            throw SpawnError(.watch, code: ESRCH, order)
        }
        let identity = ProcessIdentity(bootID: ProcessTable.bootID(), pid: pid, startTime: stat.startTime)
        do {
            try watch(identity, handler)
        } catch {
            Self.bury(pid)
            let code: Int32 = if case .failed(let code) = error { code } else { ESRCH }
            throw SpawnError(.watch, code: code, order)
        }
        return identity
    }

    /// Watches a process that runs already. If it is not our child, its exit will have neither code nor signal.
    /// - Throws: `.gone` where no process of that boot, pid and start time is.
    package func watch(_ identity: ProcessIdentity, _ handler: @escaping Handler) throws(ProcessError) {
        guard identity.bootID == ProcessTable.bootID() else { throw .gone }
        let isInherited = state.withLock { state in
            guard
                let pidfd = state.watched.first(where: { $0.value.identity == identity && $0.value.handler == nil })?
                    .key
            else { return false }
            state.watched[pidfd]?.handler = handler
            return true
        }
        if !isInherited { try open(identity, handler) }
    }

    /// After exec(3) in the place of another program its children are ours: each is watched from now on, so that none stays
    /// unburied, and `watch` or `exit(of:)` says how it ended whenever that is asked. To be called before any is started.
    package func inheritChildren() {
        for child in ProcessTable.children() { try? open(child.identity, nil) }
    }

    /// How an inherited child ended that had not been asked for by then.
    package func exit(of identity: ProcessIdentity) -> ProcessExit? {
        // Who sees it gone may be faster than the thread that buries it.
        let limit = ContinuousClock.now + .milliseconds(200)
        while ProcessTable.Stat(identity.pid).map({ $0.startTime == identity.startTime && $0.hasEnded }) ?? false,
            ContinuousClock.now < limit
        {
            usleep(1000)
        }
        return state.withLock { $0.unclaimed[identity] }
    }

    private func open(_ identity: ProcessIdentity, _ handler: Handler?) throws(ProcessError) {
        let pidfd = cl_pidfd_open(identity.pid)
        guard pidfd >= 0 else { throw errno == ESRCH || errno == EINVAL ? .gone : .failed(errno) }
        // Only now is it sure that the pid still means that process.
        guard let stat = ProcessTable.Stat(identity.pid), stat.startTime == identity.startTime else {
            close(pidfd)
            throw .gone
        }
        let code: Int32 = state.withLock { state in
            guard cl_epoll_add(epoll, pidfd, UInt64(pidfd)) == 0 else { return errno }
            state.watched[pidfd] = Watched(identity: identity, handler: handler)
            return 0
        }
        guard code == 0 else {
            close(pidfd)
            throw .failed(code)
        }
    }

    /// Sends a signal to a process that is watched.
    package func signal(_ identity: ProcessIdentity, _ signal: Int32) throws(ProcessError) {
        let code: Int32 = state.withLock { state in
            guard let pidfd = state.watched.first(where: { $0.value.identity == identity })?.key else { return ESRCH }
            return cl_pidfd_send_signal(pidfd, signal) == 0 ? 0 : errno
        }
        switch code {
        case 0: return
        case ESRCH: throw .gone
        case EPERM: throw .notPermitted
        default: throw .failed(code)
        }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<ProcessWatch>.fromOpaque(argument).takeUnretainedValue().wait()
    }

    private func wait() -> Never {
        var tokens = [UInt64](repeating: 0, count: 64)
        var orphans = Orphans.ofThisProcess()
        let limit = orphans == nil ? -1 : Int32(clamping: Orphans.pace.inMilliseconds)
        while true {
            let count = cl_epoll_wait(epoll, &tokens, Int32(tokens.count), limit)
            precondition(count >= 0 || errno == EINTR, "epoll_wait: \(errorText(errno))")
            for token in tokens.prefix(Int(max(0, count))) { ended(Int32(token)) }
            orphans?.bury()
        }
    }

    private func ended(_ pidfd: Int32) {
        let exit = Self.reap(pidfd)
        let ended = state.withLock { state in
            cl_epoll_remove(epoll, pidfd)
            close(pidfd)
            let ended = state.watched.removeValue(forKey: pidfd)
            if let ended, ended.handler == nil { state.unclaimed[ended.identity] = exit }
            return ended
        }
        if let ended { ended.handler?(ended.identity, exit) }
    }

    /// The exit status of a child; of a process that is not ours it cannot be known (ECHILD, waitid(2)).
    private static func reap(_ pidfd: Int32) -> ProcessExit {
        var info = siginfo_t()
        guard waitid(P_PIDFD, id_t(pidfd), &info, WEXITED | WNOHANG) == 0 else { return ProcessExit() }
        let status = info._sifields._sigchld.si_status
        switch info.si_code {
        case Int32(CLD_EXITED): return ProcessExit(code: status)
        case Int32(CLD_DUMPED): return ProcessExit(signal: status, coreDumped: true)
        case Int32(CLD_KILLED): return ProcessExit(signal: status)
        default: return ProcessExit()
        }
    }

    private static func bury(_ child: pid_t) {
        kill(child, SIGKILL)
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
    }
}

extension ProcessWatch {
    /// Whether a process ends within a time; it is not buried by this.
    package static func wait(for pid: pid_t, limit: Duration) -> Bool {
        let pidfd = cl_pidfd_open(pid)
        guard pidfd >= 0 else { return true }
        defer { close(pidfd) }
        let end = ContinuousClock.now + limit
        while true {
            var poller = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
            let left = max(.zero, end - .now)
            let count = poll(&poller, 1, Int32(clamping: left.inMilliseconds))
            // A signal to clusterd is not the end of the process.
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }
}
