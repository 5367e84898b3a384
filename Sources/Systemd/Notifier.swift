import CSystemd
import Glibc

/// Tells systemd how the service is, and learns what systemd wants of it: sd_notify(3), sd_watchdog_enabled(3),
/// sd_listen_fds(3). Without systemd everything here does nothing.
package struct Notifier: Hashable, Sendable {
    /// Where datagrams go; nil: nobody asked for them.
    private let address: NotifyAddress?
    /// systemd takes us for hung when it hears no `.watchdog` for so long; half of it is a good interval.
    package let watchdogInterval: Duration?
    /// What systemd opened for us, or kept for us.
    package let handedOver: [HandedDescriptor]

    /// What a test gives; a daemon takes `fromEnvironment`.
    package init(socket: String?, watchdogInterval: Duration? = nil, handedOver: [HandedDescriptor] = []) {
        address = socket.flatMap(NotifyAddress.init)
        self.watchdogInterval = watchdogInterval
        self.handedOver = handedOver
    }

    /// Takes what systemd left in the environment out of it, so that no child sees it: a node that found NOTIFY_SOCKET
    /// would report itself in our name. To be called before a second thread exists, as setenv(3) is not thread-safe.
    package static func fromEnvironment() -> Notifier {
        // libsystemd checks WATCHDOG_PID and LISTEN_PID (they may be meant for the process that started us), sets
        // FD_CLOEXEC on the descriptors, and unsets its variables, whatever it finds.
        var microseconds: UInt64 = 0
        let isWatched = sd_watchdog_enabled(1, &microseconds) > 0
        let handedOver = HandedDescriptor.fromEnvironment()
        let socket = getenv("NOTIFY_SOCKET").map { String(cString: $0) }
        unsetenv("NOTIFY_SOCKET")
        return Notifier(
            socket: socket, watchdogInterval: isWatched ? .microseconds(min(microseconds, .max >> 12)) : nil,
            handedOver: handedOver)
    }

    package var isActive: Bool { address != nil }

    /// Sends all of `states` in one datagram. An errno, or 0; EAGAIN: systemd does not read, and the same may be said again.
    @discardableResult
    package func notify(_ states: ServiceState..., within limit: Duration = .zero) -> CInt {
        guard let address, !states.isEmpty else { return 0 }
        return address.send(Array(states.map(\.text).joined(separator: "\n").utf8), within: limit)
    }

    /// Gives systemd a second copy of a descriptor, for the next program of this service: FileDescriptorStoreMax= of
    /// systemd.service(5). What it has already is not taken twice. An errno, or 0, as above; systemd does not say whether the unit
    /// lets it keep any.
    @discardableResult
    package func store(_ descriptor: CInt, as name: String) -> CInt {
        guard let address else { return 0 }
        return address.send(Array("FDSTORE=1\nFDNAME=\(name)".utf8), handing: descriptor, within: .zero)
    }
}
