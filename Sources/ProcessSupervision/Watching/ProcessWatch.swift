import CProcess
import ClusterModel
import Glibc
import Synchronization

package enum ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The process has exited, its pid belongs to another process now, or it is not watched here.
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

/// Watches processes by pidfd (pidfd_open(2)): started ones and adopted ones. One thread waits for all of them and reports an exit
/// and its status within a millisecond. Signals processes only through their pidfd, so never another process with a reused pid
/// (invariant: own-process).
package final class ProcessWatch: Sendable {
    /// Called once, on the watching thread, and must be short. Children have been reaped by then.
    package typealias Handler = @Sendable (ProcessIdentity, ProcessExit) -> Void

    private struct Watched {
        var identity: ProcessIdentity
        /// nil: a child of the previous program in this process that has not been claimed yet.
        var handler: Handler?
    }

    private struct State {
        /// The watched processes by pidfd.
        var watched: [Int32: Watched] = [:]
        /// The exit statuses of unclaimed children.
        var unclaimed: [ProcessIdentity: ProcessExit] = [:]
    }

    private let epoll: Int32
    /// Held while a pidfd is used, so that it is not closed and its number reused meanwhile.
    private let state = Mutex(State())

    /// Lives as long as the process: its thread never ends.
    package init() {
        cl_keep_exit_statuses()
        epoll = cl_epoll_create()
        precondition(epoll >= 0, "processes cannot be watched, epoll_create1: \(errorText(errno))")
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, Self.body, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "processes cannot be watched, pthread_create: \(errorText(code))")
        pthread_detach(thread)
    }

    /// Starts a process and watches it. If it cannot be watched, it is killed and reaped before this throws, so that no unwatched
    /// process remains.
    package func start(_ order: SpawnOrder, _ handler: @escaping Handler) throws(SpawnError) -> ProcessIdentity {
        let pid = try spawn(order)
        // An unreaped child: its pid is not reused, even if it has exited.
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

    /// Watches a running process. If it is not a child of this process, its exit has neither a code nor a signal.
    /// - Throws: `.gone` if there is no process with this boot, pid and start time.
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

    /// After an upgrade in place, watches the children of the previous program, so that all of them are reaped, and `watch` or
    /// `exit(of:)` can report their exit later. Must be called before any process is started.
    package func inheritChildren() {
        for child in ProcessTable.children() { try? open(child.identity, nil) }
    }

    /// The exit status of an inherited child that had not been claimed.
    package func exit(of identity: ProcessIdentity) -> ProcessExit? {
        // The caller may notice the exit before the thread has reaped the process.
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
        // Only now is it certain that the pid still belongs to this process.
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

    /// Sends a signal to a watched process.
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

    /// The exit status of a child; unknown for other processes (ECHILD, waitid(2)).
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
    /// Whether a process exits within a limit. Does not reap it.
    package static func wait(for pid: pid_t, limit: Duration) -> Bool {
        let pidfd = cl_pidfd_open(pid)
        guard pidfd >= 0 else { return true }
        defer { close(pidfd) }
        let end = ContinuousClock.now + limit
        while true {
            var poller = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
            let left = max(.zero, end - .now)
            let count = poll(&poller, 1, Int32(clamping: left.inMilliseconds))
            // EINTR: a signal to clusterd, not the exit of the process.
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }
}
