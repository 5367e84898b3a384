import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

/// Invariants: proven-death, own-process.
@Suite(.timeLimit(.minutes(1)))
struct ProcessWatchTests {
    @Test(arguments: [(0, "ended cleanly"), (1, "exited with code 1"), (255, "exited with code 255")])
    func anExitCodeIsReported(code: Int32, cause: String) async throws {
        let folder = try Folder()
        let exit = try await Child(folder.order("/bin/sh", ["-c", "exit \(code)"])).exit()
        #expect(exit == ProcessExit(code: code) && exit.cause == cause)
    }

    @Test(arguments: [(SIGKILL, "killed by SIGKILL"), (SIGTERM, "killed by SIGTERM"), (SIGUSR1, "killed by SIGUSR1")])
    func theSignalOfAKilledProcessIsReported(signal: Int32, cause: String) async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        try watch.signal(child.identity, signal)
        let exit = try await child.exit()
        #expect(exit == ProcessExit(signal: signal) && exit.cause == cause)
        #expect(ProcessTable.Stat(child.pid)?.startTime != child.identity.startTime, "it was reaped")
    }

    @Test func aCoreDumpIsDistinguished() {
        #expect(ProcessExit(signal: SIGSEGV, coreDumped: true).cause == "killed by SIGSEGV (core dumped)")
        #expect(ProcessExit(signal: 34).cause == "killed by SIGRTMIN")
        #expect(ProcessExit(signal: 40).cause == "killed by SIGRTMIN+6")
        #expect(ProcessExit(signal: 31).cause == "killed by SIGSYS")
        #expect(ProcessExit(signal: 99).cause == "killed by signal 99")
    }

    @Test func manyProcessesThatExitAtOnceAreEachReportedOnce() async throws {
        let folder = try Folder()
        let (ends, continuation) = AsyncStream.makeStream(of: (ProcessIdentity, ProcessExit).self)
        let expected = try await withThrowingTaskGroup(of: (ProcessIdentity, ProcessExit).self) { group in
            for number in Int32(0)..<40 {
                group.addTask {
                    let identity = try watch.start(folder.order("/bin/sh", ["-c", "exit \(number)"])) {
                        continuation.yield(($0, $1))
                    }
                    return (identity, ProcessExit(code: number))
                }
            }
            return try await group.reduce(into: [ProcessIdentity: ProcessExit]()) { $0[$1.0] = $1.1 }
        }
        var seen: [ProcessIdentity: ProcessExit] = [:]
        for await (identity, exit) in ends.prefix(40) {
            #expect(seen.updateValue(exit, forKey: identity) == nil)
        }
        #expect(seen == expected)
    }

    @Test func aStoppedProcessCanBeContinuedAndKilled() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        try watch.signal(child.identity, SIGSTOP)
        try await until { ProcessTable.Stat(child.pid)?.state == "T" }
        try watch.signal(child.identity, SIGCONT)
        try await until { ProcessTable.Stat(child.pid)?.state == "S" }
        try watch.signal(child.identity, SIGSTOP)
        try watch.signal(child.identity, SIGKILL)
        #expect(try await child.exit() == ProcessExit(signal: SIGKILL))
    }

    @Test func anExitedProcessCannotBeSignalledOrWatched() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/true"))
        _ = try await child.exit()
        #expect(throws: ProcessError.gone) { try watch.signal(child.identity, SIGTERM) }
        #expect(throws: ProcessError.gone) { try watch.watch(child.identity) { _, _ in } }
    }

    @Test func aProcessOfAnotherStartOrBootIsNotAdopted() throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        var other = child.identity
        other.startTime += 1
        #expect(throws: ProcessError.gone) { try watch.watch(other) { _, _ in } }
        #expect(throws: ProcessError.gone) { try watch.signal(other, SIGKILL) }
        other = child.identity
        other.bootID = "00000000-0000-0000-0000-000000000000"
        #expect(throws: ProcessError.gone) { try watch.watch(other) { _, _ in } }
        other = child.identity
        other.pid = 0
        #expect(throws: ProcessError.gone) { try watch.watch(other) { _, _ in } }
        #expect(ProcessTable.Stat(child.pid)?.state != "Z")
    }

    @Test func theExitOfAnAdoptedProcessIsObservedWithoutAStatus() async throws {
        let folder = try Folder()
        // Its parent has exited before it is inspected.
        _ = try await Child(folder.order("/bin/sh", ["-c", "sleep 600 >/dev/null 2>&1 & echo $!"])).exit()
        let pid = try #require(pid_t(try folder.output().trimmingCharacters(in: .newlines)))
        let identity = try #require(ProcessTable.identity(of: pid, bootID: ProcessTable.bootID()))
        let (exits, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
        try watch.watch(identity) { _, exit in
            continuation.yield(exit)
            continuation.finish()
        }
        try watch.signal(identity, SIGKILL)
        let exit = try #require(await exits.first { _ in true })
        #expect(exit == ProcessExit() && exit.cause == "ended (not a child of clusterd: no exit status)")
    }

    @Test func exitStatusesAreKnownEvenIfTheParentIgnoresSIGCHLD() async throws {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let folder = try Folder()
            let ended = try await Child(folder.order("/bin/sh", ["-c", "exit 7"])).exit()
            #expect(ended == ProcessExit(code: 7))
        }
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil))
    func anotherUsersProcessIsNotSignalled() async throws {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            let child = try Child(folder.order("/bin/sleep", ["600"]))
            let nobody = try #require(UserAccount.named("nobody"))
            // The real user counts as well (kill(2)): as root it would still be permitted.
            setreuid(nobody.userID, 0)
            seteuid(nobody.userID)
            let error = #expect(throws: ProcessError.self) { try watch.signal(child.identity, SIGTERM) }
            seteuid(0)
            setreuid(0, 0)
            try watch.signal(child.identity, SIGKILL)
            _ = try await child.exit()
            #expect(error == .notPermitted)
        }
    }

    @Test func theWaitForAnExitHasALimit() async throws {
        let folder = try Folder()
        let child = try Child(folder.order("/bin/sleep", ["600"]))
        #expect(!ProcessWatch.wait(for: child.pid, limit: .milliseconds(20)))
        try watch.signal(child.identity, SIGKILL)
        #expect(ProcessWatch.wait(for: child.pid, limit: .seconds(20)))
    }
}
