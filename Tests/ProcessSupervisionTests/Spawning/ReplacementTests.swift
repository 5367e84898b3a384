import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

/// The replacement of one program by another in the same process.
@Suite(.timeLimit(.minutes(1)))
struct ReplacementTests {
    @Test func theNextProgramHasTheSameProcessAndTheKeptDescriptors() async throws {
        let folder = try Folder()
        await #expect(processExitsWith: .exitCode(7)) { [path = folder.path as String] in
            let kept = open("\(path)/kept", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            let other = open("\(path)/other", O_WRONLY | O_CREAT, 0o600)
            // Some shells accept no descriptor number above 9.
            let script = "echo $$ $WORD >/proc/$$/fd/\(kept); [ -e /proc/$$/fd/\(other) ] && exit 1; exit 7"
            _ = Replacement(
                executable: "/bin/sh", words: ["sh", "-c", script].map { CommandWord($0) },
                environment: [CommandWord("WORD=\(getpid())")], descriptors: [kept]
            ).take()
        }
        let words = try contents("\(folder.path)/kept").split { $0 == " " || $0 == "\n" }
        #expect(words.count == 2 && words[0] == words[1])
    }

    @Test func aFailedReplacementChangesNothing() async throws {
        await #expect(processExitsWith: .success) {
            var before = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &before)
            let kept = open("/dev/null", O_RDONLY | O_CLOEXEC)
            let error = Replacement(
                executable: "/nonexistent", words: [CommandWord("x")], environment: [], descriptors: [kept]
            ).take()
            #expect(error == ExecError(code: ENOENT))
            var after = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &after)
            #expect((1..<32).allSatisfy { sigismember(&before, $0) == sigismember(&after, $0) })
            #expect(fcntl(kept, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func childrenOfThePreviousProgramAreReapedAndTheirExitsKnown() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            func child() throws -> ProcessIdentity {
                let pid = try spawn(folder.order("/bin/sleep", ["600"]))
                return try #require(ProcessTable.identity(of: pid, bootID: ProcessTable.bootID()))
            }
            let (dead, living, asked) = (try child(), try child(), try child())
            kill(dead.pid, SIGKILL)
            try await until { ProcessTable.Stat(dead.pid)?.state == "Z" }

            let watch = ProcessWatch()
            watch.inheritChildren()
            try await until { watch.exit(of: dead) != nil }
            #expect(watch.exit(of: dead) == ProcessExit(signal: SIGKILL))
            #expect(ProcessTable.Stat(dead.pid)?.startTime != dead.startTime, "it was reaped")
            kill(living.pid, SIGTERM)
            try await until { watch.exit(of: living) == ProcessExit(signal: SIGTERM) }

            // The first query gets the exit, and only that one.
            let (exits, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
            try watch.watch(asked) { _, exit in continuation.yield(exit) }
            try watch.signal(asked, SIGHUP)
            var arrivals = exits.makeAsyncIterator()
            #expect(await arrivals.next() == ProcessExit(signal: SIGHUP))
            #expect(watch.exit(of: asked) == nil)
        }
    }

    @Test func theProgramIsFoundAtItsStartPath() {
        let path = ProgramFile.find()
        #expect(path.hasPrefix("/") && !path.contains("/./"))
        #expect(access(path, X_OK) == 0)
    }
}
