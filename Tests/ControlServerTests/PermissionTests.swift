import ControlAPI
import ControlClient
import ControlServer
import Glibc
import Testing

@Suite struct PermissionTests {
    private static let stranger = Peer(pid: 1, uid: 4711, gid: 100)
    private static let group = SocketAccess.Group.given(name: "clusterd", gid: 999)

    @Test func onlyTheOwnerRootAndGroupMembersHaveAccess() {
        let access = SocketAccess(owner: 1000, group: Self.group)
        #expect(access.admits(Peer(pid: 1, uid: 1000, gid: 1000)))
        #expect(access.admits(Peer(pid: 1, uid: 0, gid: 0)))
        #expect(access.admits(Peer(pid: 1, uid: 4711, gid: 999)))
        #expect(access.admits(Peer(pid: 1, uid: 4711, gid: 100, groups: [5, 999])))
        #expect(!access.admits(Self.stranger))
        for group: SocketAccess.Group in [.none, .unknown(name: "x"), .denied(name: "x", errno: EPERM)] {
            #expect(!SocketAccess(owner: 1000, group: group).admits(Peer(pid: 1, uid: 4711, gid: 999, groups: [999])))
        }
    }

    // Only root can change its user. In a separate process, as a process has one user.

    @Test(.enabled(if: geteuid() == 0))
    func anotherUserIsRefusedAndTheErrorNamesWhatGrantsAccess() async throws {
        try await withServer(group: "games") { _, path in
            chmod(String(path.dropLast("/control.sock".count)), 0o755)
            await #expect(processExitsWith: .success) { [path = path as String] in
                #expect(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
                // The file's mode excludes other users.
                let error = #expect(throws: ControlError.self) { try ControlClient(socketPath: path).send(.status) }
                #expect(error?.exit == ExitCode.noPermission)
                #expect(error?.hint == "sudo usermod -aG games \"$USER\", and log in again; or use sudo")
            }
            // If it does not, the daemon does.
            chmod(path, 0o666)
            await #expect(processExitsWith: .success) { [path = path as String] in
                #expect(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
                let answer = try ControlClient(socketPath: path).send(.status)
                #expect(answer.status == 403)
                let error = #expect(throws: ControlError.self) { try answer.decode(StatusDocument.self) }
                #expect(error?.exit == ExitCode.noPermission)
                #expect(error?.hint == "sudo usermod -aG games \"$USER\", and log in again; or use sudo")
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0))
    func aMemberOfTheGroupHasAccess() async throws {
        try await withServer(group: "games") { server, path in
            guard case .given(_, let gid) = server.access?.group else { return }
            chmod(String(path.dropLast("/control.sock".count)), 0o755)
            await #expect(processExitsWith: .success) { [path = path as String, gid = gid as gid_t] in
                // As one of very many, more than the kernel's first reply has room for.
                let groups = (0..<200).map { gid_t(20_000 + $0) } + [gid]
                #expect(setgroups(groups.count, groups) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
                let answer = try ControlClient(socketPath: path).send(.status)
                #expect(answer.status == 200)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0))
    func aSocketInAnotherUsersFolderIsForThatUser() async throws {
        let folder = try TemporaryFolder()
        let data = try folder.makeFolder("clusterd-data")
        chmod(folder.path, 0o755)
        chown(data, 1, 1)
        await #expect(processExitsWith: .success) { [data = data as String] in
            #expect(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
            let path = "\(data)/control.sock"
            let error = #expect(throws: ControlError.self) { try ControlClient(socketPath: path).send(.status) }
            #expect(error?.exit == ExitCode.noPermission)
            #expect(error?.hint == "use sudo -u daemon")
            #expect(SocketChoice.FileFact(ofFileAt: path) == .hidden)
        }
    }
}
