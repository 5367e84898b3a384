import ControlAPI

/// Who may use the socket: its owner, root, and the members of its group, for whom that is full access to the data.
package struct SocketAccess: Hashable, Sendable {
    package enum Group: Hashable, Sendable {
        case none
        case given(name: String, gid: UInt32)
        /// The host has no such group.
        case unknown(name: String)
        /// We may not give the socket to it.
        case denied(name: String, errno: Int32)
    }

    package var owner: UInt32
    package var group: Group

    package init(owner: UInt32, group: Group) {
        self.owner = owner
        self.group = group
    }

    package func admits(_ peer: Peer) -> Bool {
        if peer.uid == owner || peer.uid == 0 { return true }
        guard case .given(_, let gid) = group else { return false }
        return peer.gid == gid || peer.groups.contains(gid)
    }

    func refusal(of peer: Peer) -> ControlError {
        // The caller's own shell fills in $USER: we would have to ask a name service for it, which may block.
        let hint =
            if case .given(let name, _) = group {
                "sudo usermod -aG \(name) \"$USER\", and log in again; or use sudo"
            } else {
                "use sudo"
            }
        return ControlError(
            "no-permission", "user \(peer.uid) (process \(peer.pid)) may not use this clusterd", hint: hint,
            exit: ExitCode.noPermission)
    }
}
