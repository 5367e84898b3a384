import CSystemd
import Glibc

/// Reports the state of the service to systemd, and reads systemd's requirements: sd_notify(3), sd_watchdog_enabled(3),
/// sd_listen_fds(3). Without systemd, it does nothing.
package struct Notifier: Hashable, Sendable {
    /// The address for datagrams; nil: there is none.
    private let address: NotifyAddress?
    /// systemd considers the service hung if it gets no `.watchdog` for this long; half of it is a good interval.
    package let watchdogInterval: Duration?
    /// The descriptors that systemd opened or kept for this service.
    package let handedOver: [HandedDescriptor]

    /// For tests; a daemon uses `fromEnvironment`.
    package init(socket: String?, watchdogInterval: Duration? = nil, handedOver: [HandedDescriptor] = []) {
        address = socket.flatMap(NotifyAddress.init)
        self.watchdogInterval = watchdogInterval
        self.handedOver = handedOver
    }

    /// Removes systemd's variables from the environment, so that no child sees them: a node with NOTIFY_SOCKET would report its own
    /// state as that of the service. Must be called before a second thread exists, because setenv(3) is not thread-safe.
    package static func fromEnvironment() -> Notifier {
        // libsystemd checks WATCHDOG_PID and LISTEN_PID (they may be for the parent process), sets
        // FD_CLOEXEC on the descriptors, and unsets its variables in any case.
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

    /// Sends all `states` in one datagram. Returns an errno, or 0; EAGAIN: systemd does not read, and the call can be repeated.
    @discardableResult
    package func notify(_ states: ServiceState..., within limit: Duration = .zero) -> CInt {
        guard let address, !states.isEmpty else { return 0 }
        return address.send(Array(states.map(\.text).joined(separator: "\n").utf8), within: limit)
    }

    /// Gives systemd a copy of a descriptor, for the next program of this service: FileDescriptorStoreMax= of systemd.service(5).
    /// systemd does not store a descriptor twice. Returns an errno, or 0, as above. systemd does not report whether the unit allows
    /// the store.
    @discardableResult
    package func store(_ descriptor: CInt, as name: String) -> CInt {
        guard let address else { return 0 }
        return address.send(Array("FDSTORE=1\nFDNAME=\(name)".utf8), handing: descriptor, within: .zero)
    }
}
