import ControlAPI
import Glibc

/// A descriptor that systemd passed to this program at its start.
package struct OfferedSocket: Hashable, Sendable {
    package var descriptor: Int32
    package var name: String
    /// Whether it is a Unix socket that accepts connections.
    package var isListening: Bool
    /// The path to which it is bound.
    var path: String?
    /// The file that is there now.
    var file: FileIdentity?

    package init(descriptor: Int32, name: String, isListening: Bool) {
        self.init(descriptor: descriptor, name: name, isListening: isListening, path: nil, file: nil)
        path = Self.path(of: descriptor)
        file = path.flatMap(FileIdentity.init(ofFileAt:))
    }

    init(descriptor: Int32, name: String, isListening: Bool, path: String?, file: FileIdentity?) {
        self.descriptor = descriptor
        self.name = name
        self.isListening = isListening
        self.path = path
        self.file = file
    }

    private static func path(of descriptor: Int32) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        let text = withUnsafeBytes(of: address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return text.hasPrefix("/") ? text : nil
    }
}

/// Finds the control socket among the sockets that systemd handed over.
package struct OfferedSockets: Hashable, Sendable {
    /// A socket from the store that is not the control socket any more.
    package struct Leftover: Hashable, Sendable {
        package var name: String
        package var socket: InheritedSocket
    }

    package var control: InheritedSocket?
    package var leftovers: [Leftover] = []

    /// - Parameter path: the configured path of the control socket.
    package init(_ offers: [OfferedSocket], for path: String) throws(ControlError) {
        try self.init(offers, for: path, FileIdentity(ofFileAt: path))
    }

    /// A socket of a socket unit must be the control socket: clients of any other would wait forever. A socket that a previous
    /// program stored is used if it still has the path; the configuration may have changed meanwhile.
    init(_ offers: [OfferedSocket], for path: String, _ file: FileIdentity?) throws(ControlError) {
        for offer in offers where StoredName(offer.name) == nil {
            guard offer.isListening else {
                throw Self.refusal(
                    "systemd hands over '\(offer.name)', which is not a Unix socket that accepts connections",
                    "clusterd accepts only its control socket: ListenStream=\(path) in the socket unit")
            }
            guard let own = offer.path, own == path || offer.file != nil && offer.file == file else {
                throw Self.refusal(
                    "systemd hands over the socket \(offer.path ?? "'\(offer.name)'"), but control.socket is \(path)",
                    "use the same path: set ListenStream=\(path) in the socket unit, or change control.socket in the configuration"
                )
            }
            guard let file else {
                throw Self.refusal(
                    "systemd hands over the socket \(path), but its file does not exist any more: no client can reach it",
                    "restart the socket unit: systemctl stop clusterd.service clusterd.socket; "
                        + "systemctl start clusterd.socket")
            }
            guard control == nil else {
                throw Self.refusal(
                    "systemd hands over two sockets at \(path)", "one socket unit is enough: systemctl list-sockets")
            }
            control = InheritedSocket(descriptor: offer.descriptor, address: path, file: file, isOfUnit: true)
        }
        for offer in offers {
            guard let stored = StoredName(offer.name) else { continue }
            if control == nil, offer.isListening, let file, stored.file == file {
                control = InheritedSocket(descriptor: offer.descriptor, address: path, file: file)
                continue
            }
            let old = InheritedSocket(
                descriptor: offer.descriptor, address: offer.path ?? path,
                file: stored.file == control?.file ? nil : stored.file)
            leftovers.append(Leftover(name: offer.name, socket: old))
        }
    }

    private static func refusal(_ what: String, _ hint: String) -> ControlError {
        ControlError("socket-unit", what, hint: hint)
    }
}

/// The name of the control socket in systemd's store. It contains the identity of the file, which the socket does not reveal.
struct StoredName: Hashable {
    private static let prefix = "control"
    let file: FileIdentity

    init(_ file: FileIdentity) { self.file = file }

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.prefix, let device = UInt64(parts[1], radix: 16),
            let inode = UInt64(parts[2], radix: 16)
        else { return nil }
        file = FileIdentity(device: device, inode: inode)
    }

    var text: String { "\(Self.prefix)-\(String(file.device, radix: 16))-\(String(file.inode, radix: 16))" }
}
