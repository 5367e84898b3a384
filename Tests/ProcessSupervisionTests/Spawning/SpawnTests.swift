import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

/// Invariant: clean-child.
@Suite(.timeLimit(.minutes(1)))
struct SpawnTests {
    @Test func aProcessRunsInItsDirectoryWithItsArgumentsAndItsOutputInAFile() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sh", ["-c", "pwd; echo \"$0-$1\"; echo wrong >&2", "a b", "c"]))
        #expect(try await child.exit() == ProcessExit(code: 0))
        #expect(try folder.output() == "\(folder.path)\na b-c\nwrong\n")
    }

    @Test func outputIsAppendedAndReadableOnlyByItsOwner() async throws {
        let folder = try Folder()
        for _ in 0..<2 { _ = try await Child(folder.order("/bin/echo", ["line"])).exit() }
        #expect(try folder.output() == "line\nline\n")
        var status = stat()
        #expect(stat(folder.path + "/output", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func aProcessHasExactlyTheGivenEnvironment() throws {
        setenv("CLUSTERD_TEST", "1", 1)
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"], environment: ["A=1", "B=x y"]))
        #expect(try contents("/proc/\(child.pid)/environ") == "A=1\0B=x y\0")
    }

    @Test func noDescriptorIsInherited() throws {
        let folder = try Folder()
        // Without close-on-exec, a low one and a high one.
        let low = open("/dev/null", O_RDONLY)
        let high = fcntl(low, F_DUPFD, 900)
        defer {
            close(low)
            close(high)
        }
        #expect(low > 2 && high >= 900)
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/fd")
        #expect(open.sorted() == ["0", "1", "2"])
        func target(_ descriptor: Int) throws -> String {
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child.pid)/fd/\(descriptor)")
        }
        #expect(try target(0) == "/dev/null" && target(1) == folder.path + "/output" && target(1) == target(2))
    }

    @Test func aParentWithoutStandardDescriptorsStartsProcessesTheSameWay() async throws {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            for descriptor: Int32 in 0...2 { close(descriptor) }
            let child = try Child(folder.order("/bin/sh", ["-c", "echo out; echo err >&2; cat"]))
            let ended = try await child.exit()
            let text = try folder.output()
            #expect(ended.code == 0 && text == "out\nerr\n")
        }
    }

    @Test func aProcessHasItsOwnSessionDefaultSignalsAndAPrivateUmask() throws {
        let folder = try Folder()
        signal(SIGUSR2, SIG_IGN)
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        sigaddset(&blocked, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer {
            pthread_sigmask(SIG_SETMASK, &before, nil)
            signal(SIGUSR2, SIG_DFL)
        }
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        #expect(try child.statField(6) == String(child.pid), "session")
        #expect(try child.statField(5) == String(child.pid), "process group")
        for name in ["SigBlk", "SigIgn", "SigCgt"] {
            let mask = try child.status(name)
            #expect(mask == "0000000000000000", "\(name)")
        }
        #expect(try child.status("Umask") == "0077")
    }

    @Test func theOpenFileLimitIsRaisedAtMostToTheHardLimitAndNeverLowered() async throws {
        let folder = try Folder()
        func soft(_ wanted: UInt64) async throws -> String {
            unlink(folder.path + "/output")
            _ = try await Child(folder.order("/bin/sh", ["-c", "ulimit -Sn"], openFiles: wanted)).exit()
            return try folder.output().trimmingCharacters(in: .newlines)
        }
        #expect(try await soft(.max) == soft(OpenFileLimit.hard))
        #expect(try await soft(1) == soft(OpenFileLimit.soft))
    }

    @Test func aMissingExecutableIsReported() throws {
        let folder = try Folder()
        let error = try #require(throws: SpawnError.self) { try spawn(folder.order("/nowhere/redis-server")) }
        #expect(error.step == .execute && error.code == ENOENT)
        #expect(
            error.description == "cannot start redis-server: /nowhere/redis-server: No such file or directory")
    }

    @Test func aFailedStartLeavesNoZombie() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            #expect(throws: SpawnError.self) { try spawn(folder.order("/nowhere/redis-server")) }
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }

    /// Another test that forks at this moment has the file open for writing in its child, until the child runs a
    /// program.
    private func refusal(_ path: String, _ folder: Folder) async throws -> SpawnError {
        var refusal: SpawnError?
        try await until {
            refusal = try #require(throws: SpawnError.self) { try spawn(folder.order(path)) }
            return refusal?.code != ETXTBSY
        }
        return try #require(refusal)
    }

    @Test func aFileThatIsNotAProgramIsRefusedWithAReason() async throws {
        let folder = try Folder()
        let path = folder.path + "/server"
        try "no program".write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o600)
        #expect(try #require(throws: SpawnError.self) { try spawn(folder.order(path)) }.code == EACCES)
        chmod(path, 0o700)
        #expect(try await refusal(path, folder).code == ENOEXEC)
        try "#!/nowhere/interpreter\n".write(toFile: path, atomically: false, encoding: .utf8)
        let error = try await refusal(path, folder)
        #expect(error.description.hasSuffix("the interpreter or loader that \(path) names is missing"))
    }

    @Test func aMissingDirectoryIsReported() throws {
        let folder = try Folder()
        let order = folder.order("/bin/true", in: folder.path + "/none")
        let error = try #require(throws: SpawnError.self) { try spawn(order) }
        #expect(error.step == .directory && error.code == ENOENT && error.description.contains(folder.path + "/none"))
    }

    @Test func outputIsNeverWrittenToAPipeOrALink() throws {
        let folder = try Folder()
        #expect(mkfifo(folder.path + "/output", 0o600) == 0)
        #expect(try #require(throws: SpawnError.self) { try spawn(folder.order("/bin/true")) }.step == .output)
        // With a reader the open succeeds, and the descriptor is then recognized as a pipe.
        let reader = open(folder.path + "/output", O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let error = try #require(throws: SpawnError.self) { try spawn(folder.order("/bin/true")) }
        #expect(error.step == .outputIsNoPlainFile)
        unlink(folder.path + "/output")
        symlink("elsewhere", folder.path + "/output")
        #expect(try #require(throws: SpawnError.self) { try spawn(folder.order("/bin/true")) }.code == ELOOP)
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil))
    func rootStartsAProcessAsAnotherUserWithThatUsersGroups() async throws {
        let folder = try Folder()
        let nobody = try #require(UserAccount.named("nobody"))
        let child = try Child(folder.order("/bin/sleep", ["600"], user: nobody))
        let id = String(nobody.userID)
        #expect(try child.status("Uid") == "\(id)\t\(id)\t\(id)\t\(id)")
        let groups = try #require(try child.status("Groups")).split(separator: " ").compactMap { gid_t($0) }
        #expect(Set(groups) == Set(nobody.groups))
        var status = stat()
        #expect(stat(folder.path + "/output", &status) == 0 && status.st_uid == nobody.userID)
        #expect(ProcessTable.userName(of: child.pid) == "nobody")

        chmod(folder.path, 0o700)
        let error = try #require(throws: SpawnError.self) { try spawn(folder.order("/bin/true", user: nobody)) }
        #expect(error.step == .directory && error.code == EACCES && error.description.contains("as user nobody"))
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil))
    func aHardLinkToAnotherFileIsNotUsedForOutput() throws {
        let folder = try Folder()
        try "secret".write(toFile: folder.path + "/secret", atomically: false, encoding: .utf8)
        #expect(link(folder.path + "/secret", folder.path + "/output") == 0)
        let order = folder.order("/bin/true", user: UserAccount.named("nobody"))
        #expect(try #require(throws: SpawnError.self) { try spawn(order) }.step == .outputIsNoPlainFile)
        var status = stat()
        #expect(stat(folder.path + "/secret", &status) == 0 && status.st_uid == 0)
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil))
    func onlyRootCanStartAProcessAsAnotherUser() async throws {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            let nobody = try #require(UserAccount.named("nobody"))
            _ = try await Child(folder.order("/bin/true", user: nobody)).exit()
            seteuid(nobody.userID)
            let error = #expect(throws: SpawnError.self) { try spawn(folder.order("/bin/true", user: nobody)) }
            seteuid(0)
            #expect(error?.step == .user && error?.description.hasSuffix("(only root can)") == true)
        }
    }
}
