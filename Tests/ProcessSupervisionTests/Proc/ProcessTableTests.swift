import ClusterModel
import Foundation
import Glibc
import Testing

@testable import ProcessSupervision

@Suite(.timeLimit(.minutes(1)))
struct ProcessTableTests {
    @Test func theBootIdIsTheKernels() throws {
        #expect(UUID(uuidString: ProcessTable.bootID()) != nil)
    }

    @Test func aRunningProcessHasAnIdentity() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        #expect(ProcessTable.identity(of: child.pid, bootID: ProcessTable.bootID()) == child.identity)
        #expect(String(child.identity.startTime) == (try child.statField(22)))
        #expect(ProcessTable.commandLine(of: child.pid) == "/bin/sleep 600")
        #expect(ProcessTable.userName(of: child.pid) == UserAccount.current?.name)
        #expect(ProcessTable.all().contains(child.pid))
    }

    @Test func aZombieHasNoIdentity() async throws {
        let folder = try Folder()
        let pid = try spawn(folder.order("/bin/true"))
        try await until { ProcessTable.Stat(pid)?.hasEnded == true }
        #expect(ProcessTable.identity(of: pid, bootID: ProcessTable.bootID()) == nil)
        #expect(waitpid(pid, nil, 0) == pid)
        #expect(ProcessTable.Stat(pid) == nil)
    }

    @Test func theCPUTimeOfABusyProcessGrows() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sh", ["-c", "while :; do :; done"]))
        try await until { (ProcessTable.Stat(child.pid)?.cpuTicks ?? 0) > 2 }
        #expect(ProcessTable.Stat(child.pid)?.state == "R")
    }

    @Test func aProcessNameWithBracketsAndSpacesIsParsed() throws {
        let line = "42 (a) R 1 (b) T 1 42 42 0 -1 4194560 1 2 3 4 50 7 0 0 20 0 1 0 987654 1 2"
        let stat = try #require(ProcessTable.Stat(Array(line.utf8)))
        #expect(stat.command == "a) R 1 (b" && stat.state == "T" && stat.cpuTicks == 57 && stat.startTime == 987_654)
        #expect(!stat.isKernelThread && !stat.hasEnded)
        for length in 0..<line.utf8.count where length < 80 {
            _ = ProcessTable.Stat(Array(line.utf8.prefix(length)))
        }
        #expect(ProcessTable.Stat(Array("42 ) R (".utf8)) == nil)
    }

    @Test(
        arguments: [
            ("0000000000000100", "0000000000000000", true), ("0000000000000000", "0000000000000100", true),
            ("0000000000004000", "0000000000000200", false),
        ])
    func aPendingSIGKILLIsDetected(thread: String, process: String, isBeingKilled: Bool) throws {
        let text = "Name:\tx\nUid:\t1\t1000\t1\t1\nSigPnd:\t\(thread)\nShdPnd:\t\(process)\nSigBlk:\t0000000000000100\n"
        let status = try #require(ProcessTable.Status(Array(text.utf8)))
        #expect(status.isBeingKilled == isBeingKilled && status.userID == 1000)
    }

    @Test func aRunningProcessHasNoPendingSIGKILL() throws {
        #expect(ProcessTable.Status(getpid())?.isBeingKilled == false)
        #expect(ProcessTable.Status(getpid())?.userID == geteuid())
        #expect(ProcessTable.Status(0) == nil)
    }
}

@Suite struct AccountTests {
    @Test func theAccountOfRootHasItsGroups() throws {
        let root = try #require(UserAccount.named("root"))
        #expect(root.userID == 0 && root.groupID == 0 && root.groups.contains(0) && root.name == "root")
        #expect(UserAccount.name(of: 0) == "root")
    }

    @Test func anUnknownUserIsNil() {
        #expect(UserAccount.named("no-such-user") == nil)
        #expect(UserAccount.name(of: 3_999_999_999) == "3999999999")
    }

    @Test func theCurrentUserIsTheEffectiveOne() {
        #expect(UserAccount.current?.userID == geteuid())
    }

    @Test func theSoftLimitOnOpenFilesIsRaisedAtMostToTheHardOne() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 100, rlim_max: 200)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let steps = [50, 150, 1000].map { OpenFileLimit.raiseSoft(to: $0) }
            #expect(steps == [100, 150, 200] && OpenFileLimit.soft == 200 && OpenFileLimit.hard == 200)
        }
    }
}
