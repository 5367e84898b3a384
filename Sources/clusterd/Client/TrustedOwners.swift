import ControlAPI
import ControlClient
import Glibc

/// The users whose daemons a command trusts if it finds its cluster by name, and not by a socket or folder that the caller gave.
/// Commands trust a daemon far: operators stop, repair and destroy by its answers, and run the redis-cli that it names. But any
/// user may start a program that claims to be clusterd with the name of another cluster. So the owner, as reported by the kernel
/// (SO_PEERCRED, unix(7)), must be the caller, root, or the owner of a folder in /run/clusterd, where only root can create one.
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
