import ControlAPI
import ControlClient
import Glibc

/// With whose daemons a command speaks when its cluster was found by name, and not by a socket or folder that the caller named.
/// A daemon is believed a great deal: a person stops, repairs and destroys by what it says, and runs the redis-cli that it names.
/// Anybody may start a program that calls itself clusterd and its cluster by the name of another's. So, by the kernel's word
/// (SO_PEERCRED, unix(7)): the caller's own, root's, and whoever was given a folder in /run/clusterd, where only root can make
/// one.
enum TrustedOwners {
    static func owners(ofSocket path: String) -> Set<uid_t> {
        var owners: Set<uid_t> = [getuid(), 0]
        if let folder = folder(ofServiceSocket: path) {
            var status = stat()
            if stat(folder, &status) == 0 { owners.insert(status.st_uid) }
        }
        return owners
    }

    /// `/run/clusterd` or `/run/clusterd/NAME`.
    static func folder(ofServiceSocket path: String) -> String? {
        ServiceSocket.unit(ofSocketAt: path).map { _ in SocketPath(path).folder }
    }
}
