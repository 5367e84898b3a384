import ControlAPI
import Glibc

/// A listening socket that outlives the program which made it: the next program goes on with it. It comes from the program
/// before in the same process, out of systemd's store, or from a socket unit.
package struct InheritedSocket: Hashable, Sendable, Codable {
    package var descriptor: Int32
    /// A path, or host:port as it was configured.
    package var address: String
    /// Of a path: the file that it was.
    package var file: FileIdentity?
    /// Whether a socket unit of systemd's made it: then its file and who may use it are the unit's affair.
    package var isOfUnit: Bool?

    func isStill(at path: String, _ file: FileIdentity?) -> Bool {
        address == path && self.file != nil && self.file == file
    }

    /// Where the configuration names another address by now, or none.
    package func discard() {
        close(descriptor)
        guard isOfUnit != true else { return }
        let parts = SocketPath(address)
        let folder = open(parts.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        defer { close(folder) }
        if let file, FileIdentity(of: parts.name, in: folder) == file { unlinkat(folder, parts.name, 0) }
    }
}
