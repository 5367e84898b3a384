import ControlAPI
import Glibc

/// A descriptor that systemd handed to this program when it began.
package struct OfferedSocket: Hashable, Sendable {
    package var descriptor: Int32
    package var name: String
    /// Whether it is a Unix socket that takes connections.
    package var isListening: Bool
    /// What it was bound to.
    var path: String?
    /// What stands there now.
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

/// Which of the sockets that systemd handed over is the control socket.
package struct OfferedSockets: Hashable, Sendable {
    /// One that was put into the store, and is not the control socket any more.
    package struct Leftover: Hashable, Sendable {
        package var name: String
        package var socket: InheritedSocket
    }

    package var control: InheritedSocket?
    package var leftovers: [Leftover] = []

    /// - Parameter path: of the control socket, as it is configured.
    package init(_ offers: [OfferedSocket], for path: String) throws(ControlError) {
        try self.init(offers, for: path, FileIdentity(ofFileAt: path))
    }

    /// A socket unit's must be the control socket: who connects to another would wait for ever. What a program before this one
    /// stored is taken back if it still has the path; the configuration may have been changed meanwhile.
    init(_ offers: [OfferedSocket], for path: String, _ file: FileIdentity?) throws(ControlError) {
        for offer in offers where StoredName(offer.name) == nil {
            guard offer.isListening else {
                throw Self.refusal(
                    "systemd hands over '\(offer.name)', which is no Unix socket that takes connections",
                    "the control socket is all that clusterd takes so: ListenStream=\(path) in the socket unit")
            }
            guard let own = offer.path, own == path || offer.file != nil && offer.file == file else {
                throw Self.refusal(
                    "systemd hands over the socket \(offer.path ?? "'\(offer.name)'"), and control.socket is \(path)",
                    "make them one: ListenStream=\(path) in the socket unit, or control.socket in the configuration")
            }
            guard let file else {
                throw Self.refusal(
                    "systemd hands over the socket \(path), and its file is gone: nobody can reach it",
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
        ControlError("socket-unit", what, hint: hint, exit: ExitCode.configuration)
    }
}

/// What the control socket is called in systemd's store: with the file that it is, which a socket itself does not tell.
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
