import ControlAPI
import Glibc

/// A listening socket that outlives the program which created it: the next program continues with it. It comes from the previous
/// program in the same process, from systemd's store, or from a socket unit.
package struct InheritedSocket: Hashable, Sendable, Codable {
    package var descriptor: Int32
    /// A path, or host:port as configured.
    package var address: String
    /// The file of a path.
    package var file: FileIdentity?
    /// Whether a socket unit of systemd created it: the unit then controls its file and its permissions.
    package var isOfUnit: Bool?

    func isStill(at path: String, _ file: FileIdentity?) -> Bool {
        address == path && self.file != nil && self.file == file
    }

    /// Called if the configuration now has another address, or none.
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
