import ControlAPI

/// The users who may use the socket: its owner, root, and the members of its group, who get full access to the data.
package struct SocketAccess: Hashable, Sendable {
    package enum Group: Hashable, Sendable {
        case none
        case given(name: String, gid: UInt32)
        /// The group does not exist on this host.
        case unknown(name: String)
        /// This user may not assign the group to the socket.
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
        // The caller's shell expands $USER: clusterd would need a name service for it, which may block.
        let hint =
            if case .given(let name, _) = group {
                "sudo usermod -aG \(name) \"$USER\", and log in again; or use sudo"
            } else {
                "use sudo"
            }
        return ControlError(
            "no-permission", "user \(peer.uid) (process \(peer.pid)) may not use this clusterd", hint: hint)
    }
}
