/// Where the services of a host have their control sockets: `/run/clusterd/control.sock`, and
/// `/run/clusterd/NAME/control.sock` of `clusterd@NAME`.
package enum ServiceSocket {
    package static let folder = "/run/clusterd"

    /// The service's unit, as `systemctl` takes it. A path that only begins so, and leads elsewhere, is none of a service's.
    package static func unit(ofSocketAt path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4 || parts.count == 5, path.hasPrefix(folder + "/"),
            parts.last == SocketChoice.socketName[...],
            !parts.dropFirst().contains(where: { ["", ".", ".."].contains($0) })
        else { return nil }
        return parts.count == 4 ? "clusterd" : "clusterd@\(parts[3])"
    }
}
