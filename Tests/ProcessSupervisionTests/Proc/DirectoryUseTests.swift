import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DirectoryUseTests {
    private func uses(_ folders: [String]) -> [DirectoryUse] {
        ProcessTable.directoryUses(of: folders, bootID: ProcessTable.bootID()).uses
    }

    @Test func aProcessIsFoundOnlyByItsWorkingDirectory() throws {
        let folder = try Folder()
        let (mine, other) = (try folder.make("mine"), try folder.make("other"))
        _ = try folder.make("mine/below")
        let child = try Child(folder.order("/bin/sleep", ["600"], in: mine))
        let below = try Child(folder.order("/bin/sleep", ["600"], in: mine + "/below"))
        let found = uses([other, mine])
        #expect(found.map(\.identity) == [child.identity] && found.map(\.folder) == [mine])
        #expect(found.first?.name == "sleep" && found.first?.command == "/bin/sleep 600")
        #expect(found.first?.user == UserAccount.current?.name && found.first?.ports == [])
        #expect(uses([mine + "/below"]).map(\.identity) == [below.identity])
    }

    @Test func aProcessIsFoundByAnotherPathToItsDirectory() throws {
        let folder = try Folder()
        let mine = try folder.make("mine")
        let child = try Child(folder.order("/bin/sleep", ["600"], in: mine))
        symlink("mine", folder.path + "/link")
        #expect(uses([folder.path + "/link"]).map(\.identity) == [child.identity])
        #expect(rename(mine, folder.path + "/moved") == 0)
        #expect(uses([folder.path + "/moved"]).map(\.identity) == [child.identity])
    }

    @Test func aReplacedDirectoryIsNotInUse() throws {
        let folder = try Folder()
        let mine = try folder.make("mine")
        let child = try Child(folder.order("/bin/sleep", ["600"], in: mine))
        #expect(rmdir(mine) == 0)
        #expect(uses([mine]).isEmpty)
        _ = try folder.make("mine")
        #expect(uses([mine]).isEmpty)
        #expect(ProcessTable.identity(of: child.pid, bootID: ProcessTable.bootID()) == child.identity)
    }

    @Test func clusterdIsNotAUserOfADirectory() {
        #expect(!uses([FileManager.default.currentDirectoryPath]).contains { $0.identity.pid == getpid() })
    }

    @Test func exitedAndMissingProcessesAreNotUsers() async throws {
        let folder = try Folder()
        let pid = try spawn(folder.order("/bin/true"))
        try await until { ProcessTable.Stat(pid)?.hasEnded == true }
        #expect(uses([folder.path, folder.path + "/none"]).isEmpty)
        waitpid(pid, nil, 0)
    }

    @Test(.enabled(if: python != nil))
    func theListeningPortsOfAUserAreReported() async throws {
        let folder = try Folder()
        let mine = try folder.make("mine")
        let port = try freePorts().client
        let child = try await listener(in: folder, port: port, directory: mine)
        let found = uses([mine])
        #expect(found.map(\.identity) == [child.identity] && found.first?.ports == [port])
    }

    /// Except where process 1 has capabilities that this root lacks.
    @Test(.enabled(if: isRoot && access("/proc/1/cwd", F_OK) == 0))
    func rootCanInspectAllProcesses() {
        let seen = ProcessTable.directoryUses(of: ["/"], bootID: ProcessTable.bootID())
        #expect(seen.sawAll && seen.uses.allSatisfy { $0.folder == "/" })
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil))
    func otherUsersLearnThatSomeProcessesCouldNotBeInspected() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            let mine = try folder.make("mine")
            let child = try Child(folder.order("/bin/sleep", ["600"], in: mine))
            let nobody = try #require(UserAccount.named("nobody"))
            seteuid(nobody.userID)
            let seen = ProcessTable.directoryUses(of: [mine], bootID: ProcessTable.bootID())
            seteuid(0)
            try watch.signal(child.identity, SIGKILL)
            _ = try await child.exit()
            #expect(seen.uses.isEmpty && !seen.concealed.isEmpty && !seen.sawAll)
        }
    }
}
