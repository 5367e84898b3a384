import CSystemd
import Glibc

/// A descriptor that systemd passed to this program: from a socket unit, or from the store in which a previous program put it
/// (sd_listen_fds(3)).
package struct HandedDescriptor: Hashable, Sendable {
    package let descriptor: CInt
    /// FileDescriptorName= of the socket unit, or FDNAME= of the program that stored it.
    package let name: String
    /// Whether it is a Unix socket that accepts connections.
    package let listensOnUnixSocket: Bool

    package init(descriptor: CInt, name: String, listensOnUnixSocket: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.listensOnUnixSocket = listensOnUnixSocket
    }

    /// Removes them from the environment; see `Notifier.fromEnvironment`.
    static func fromEnvironment() -> [HandedDescriptor] {
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &list)
        guard count > 0, let list else { return [] }
        defer { free(list) }
        return (0..<count).map { index in
            // SD_LISTEN_FDS_START.
            let descriptor = 3 + index
            let name = list[Int(index)].map { String(cString: $0) } ?? ""
            free(list[Int(index)])
            return HandedDescriptor(
                descriptor: descriptor, name: name,
                listensOnUnixSocket: sd_is_socket_unix(descriptor, CInt(SOCK_STREAM.rawValue), 1, nil, 0) > 0)
        }
    }
}
