import CProcess
import ClusterModel
import Glibc
import Synchronization

package enum ProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    case gone
    case notPermitted
    case failed(Int32)

    package var description: String {
        switch self {
        case .gone: "the process has ended"
        case .notPermitted: "not permitted: it belongs to another user"
        case .failed(let code): errorText(code)
        }
    }
}

/// Watches processes by pidfd (pidfd_open(2)): a process that was started here, and one that was found running. One thread
/// waits for all of them and says within a millisecond which one ended and how.
package final class ProcessWatch: Sendable {
    package typealias Handler = @Sendable (ProcessIdentity, ProcessExit) -> Void

    private struct Watched {
        var identity: ProcessIdentity
        var handler: Handler
    }

    private let epoll: Int32
    /// By pidfd.
    private let watched = Mutex<[Int32: Watched]>([:])

    package init() {
        epoll = cl_epoll_create()
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self).toOpaque()
        // The thread keeps the watch alive: there is one for the life of the process.
        pthread_create(&thread, nil, Self.body, me)
        pthread_detach(thread)
    }

    /// - Throws: `.gone` where no process of that pid and start time runs.
    package func watch(_ identity: ProcessIdentity, _ handler: @escaping Handler) throws(ProcessError) {
        let pidfd = cl_pidfd_open(identity.pid)
        guard pidfd >= 0 else { throw errno == ESRCH ? .gone : .failed(errno) }
        // Only now is it sure that the pid still means that process.
        guard let stat = ProcessTable.Stat(identity.pid), stat.startTime == identity.startTime else {
            close(pidfd)
            throw .gone
        }
        watched.withLock { $0[pidfd] = Watched(identity: identity, handler: handler) }
        guard cl_epoll_add(epoll, pidfd, UInt64(pidfd)) == 0 else {
            let code = errno
            watched.withLock { $0[pidfd] = nil }
            close(pidfd)
            throw .failed(code)
        }
    }

    package func signal(_ identity: ProcessIdentity, _ signal: Int32) throws(ProcessError) {
        let pidfd = watched.withLock { $0.first { $0.value.identity == identity }?.key }
        guard let pidfd else { throw .gone }
        guard cl_pidfd_send_signal(pidfd, signal) == 0 else {
            switch errno {
            case ESRCH: throw .gone
            case EPERM: throw .notPermitted
            default: throw .failed(errno)
            }
        }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<ProcessWatch>.fromOpaque(argument).takeUnretainedValue().wait()
    }

    private func wait() -> Never {
        var tokens = [UInt64](repeating: 0, count: 64)
        while true {
            let count = cl_epoll_wait(epoll, &tokens, Int32(tokens.count))
            guard count > 0 else { continue }
            for token in tokens.prefix(Int(count)) { ended(Int32(token)) }
        }
    }

    private func ended(_ pidfd: Int32) {
        let exit = Self.reap(pidfd)
        cl_epoll_remove(epoll, pidfd)
        let watched = watched.withLock { $0.removeValue(forKey: pidfd) }
        close(pidfd)
        if let watched { watched.handler(watched.identity, exit) }
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
}

extension ProcessWatch {
    /// Whether a process ends within a time; it is not buried by this.
    package static func wait(for pid: pid_t, limit: Duration) -> Bool {
        let pidfd = cl_pidfd_open(pid)
        guard pidfd >= 0 else { return true }
        defer { close(pidfd) }
        var poller = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, Int32(clamping: limit.inMilliseconds)) > 0
    }
}
