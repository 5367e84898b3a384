/// The control sockets of the services of a host: `/run/clusterd/control.sock`, and `/run/clusterd/NAME/control.sock` for
/// `clusterd@NAME`.
package enum ServiceSocket {
    package static let folder = "/run/clusterd"

    /// The name of the service's unit, for `systemctl`; nil if the path only starts like that of a service, but leads elsewhere.
    package static func unit(ofSocketAt path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4 || parts.count == 5, path.hasPrefix(folder + "/"),
            parts.last == SocketChoice.socketName[...],
            !parts.dropFirst().contains(where: { ["", ".", ".."].contains($0) })
        else { return nil }
        return parts.count == 4 ? "clusterd" : "clusterd@\(parts[3])"
    }
}
