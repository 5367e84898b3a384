import CSystemd
import Glibc

/// Tells systemd how the service is, and learns what systemd wants of it: sd_notify(3), sd_watchdog_enabled(3),
/// sd_listen_fds(3). Without systemd everything here does nothing.
package struct Notifier: Hashable, Sendable {
    /// Where datagrams go; nil: nobody asked for them.
    private let address: NotifyAddress?
    /// systemd takes us for hung when it hears no `.watchdog` for so long; half of it is a good interval.
    package let watchdogInterval: Duration?
    /// Sockets that systemd opened for us.
    package let inheritedDescriptors: [CInt]

    /// What a test gives; a daemon takes `fromEnvironment`.
    package init(socket: String?, watchdogInterval: Duration? = nil, inheritedDescriptors: [CInt] = []) {
        address = socket.flatMap(NotifyAddress.init)
        self.watchdogInterval = watchdogInterval
        self.inheritedDescriptors = inheritedDescriptors
    }

    /// Takes what systemd left in the environment out of it, so that no child sees it: a node that found NOTIFY_SOCKET
    /// would report itself in our name. To be called before a second thread exists, as setenv(3) is not thread-safe.
    package static func fromEnvironment() -> Notifier {
        // libsystemd checks WATCHDOG_PID and LISTEN_PID (they may be meant for the process that started us), sets
        // FD_CLOEXEC on the descriptors, and unsets its variables, whatever it finds.
        var microseconds: UInt64 = 0
        let isWatched = sd_watchdog_enabled(1, &microseconds) > 0
        let descriptors = max(0, sd_listen_fds(1))
        let socket = getenv("NOTIFY_SOCKET").map { String(cString: $0) }
        unsetenv("NOTIFY_SOCKET")
        return Notifier(
            socket: socket, watchdogInterval: isWatched ? .microseconds(min(microseconds, .max >> 12)) : nil,
            // SD_LISTEN_FDS_START.
            inheritedDescriptors: (0..<descriptors).map { 3 + $0 })
    }

    package var isActive: Bool { address != nil }

    /// Sends all of `states` in one datagram. An errno, or 0; EAGAIN: systemd does not read, and the same may be said again.
    @discardableResult
    package func notify(_ states: ServiceState..., within limit: Duration = .zero) -> CInt {
        guard let address, !states.isEmpty else { return 0 }
        return address.send(Array(states.map(\.text).joined(separator: "\n").utf8), within: limit)
    }
}
