import Foundation
import Glibc
import ProcessSupervision
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ExecChildTests {
    @Test func aCommandIsFoundLikeByExecvp() throws {
        let folder = try Folder()
        let (tools, plain) = (try folder.make("tools"), try folder.make("plain"))
        try "#!/bin/sh\n".write(toFile: tools + "/probe", atomically: false, encoding: .utf8)
        chmod(tools + "/probe", 0o755)
        try "text".write(toFile: plain + "/probe", atomically: false, encoding: .utf8)
        chmod(plain + "/probe", 0o644)
        func find(_ name: String, _ path: String?) -> Result<String, ExecError> {
            CommandSearch.find(CommandWord(name), path: path).map(\.text)
        }
        #expect(find("probe", "\(plain):\(tools)") == .success(tools + "/probe"))
        #expect(find("probe", "/nowhere:\(plain)") == .failure(ExecError(code: EACCES)))
        #expect(find("probe", "/nowhere") == .failure(ExecError(code: ENOENT)))
        #expect(find("", tools) == .failure(ExecError(code: ENOENT)))
        #expect(find(tools + "/probe", "") == .success(tools + "/probe"))
        #expect(find(tools, "") == .failure(ExecError(code: EACCES)))
        #expect(find("sh", nil) == .success("/bin/sh"))
    }

    @Test func aVariableThatIsSetReplacesItsOldValueAndKeepsTheOthers() {
        let before = ["A=1", "REDIS_PORT=6379", "REDIS_PORTS=x"].map { CommandWord($0) }
        let after = CommandWord.environment(before, setting: [("REDIS_PORT", "7000")])
        #expect(after.map(\.text) == ["A=1", "REDIS_PORTS=x", "REDIS_PORT=7000"])
    }

    /// In a separate process: the command inherits its ignored signals and open descriptors.
    @Test func aCommandInheritsSignalsAndDescriptors() async {
        await #expect(processExitsWith: .success) {
            signal(SIGHUP, SIG_IGN)
            let folder = try Folder()
            let given = open(folder.path + "/given", O_RDONLY | O_CREAT, 0o600)
            let inheritance = Inheritance.take()
            signal(SIGPIPE, SIG_IGN)
            signal(SIGHUP, SIG_DFL)
            let ours = open(folder.path + "/ours", O_RDONLY | O_CREAT, 0o600)
            let script = """
                grep SigIgn /proc/self/status > '\(folder.path)/output'
                readlink /proc/$$/fd/\(given) /proc/$$/fd/\(ours) | grep '\(folder.path)' >> '\(folder.path)/output'
                echo "$0 $A" >> '\(folder.path)/output'; exit 3
                """
            let guest = ExecChild(
                executable: CommandWord("/bin/sh"), words: ["sh", "-c", script, "zero"].map { CommandWord($0) },
                environment: [CommandWord("A=b c"), CommandWord("PATH=/bin:/usr/bin")], inheritance: inheritance)
            let pid = try guest.start()
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let output = try folder.output()
            #expect(status >> 8 == 3, "\(status)")
            #expect(output == "SigIgn:\t0000000000000001\n\(folder.path)/given\nzero b c\n", "\(output)")
        }
    }

    @Test func aCommandThatCannotRunIsAnError() throws {
        let folder = try Folder()
        let inheritance = Inheritance.take()
        func start(_ path: String) throws -> pid_t {
            try ExecChild(
                executable: CommandWord(path), words: [CommandWord(path)], environment: [], inheritance: inheritance
            ).start()
        }
        #expect(throws: ExecError(code: ENOENT)) { try start("/nowhere/command") }
        #expect(throws: ExecError(code: EACCES)) { try start(folder.path) }
    }

    /// The thread that starts them lives as long as the process; when that is killed, they exit with it.
    @Test func childrenAreKilledWithTheProcess() async throws {
        let folder = try Folder()
        let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardErrorContent]) {
            let folder = try Folder()
            let spawning = SpawningThread()
            var order = folder.order("/bin/sleep", ["600"])
            order.endsWithParent = true
            let node = await spawning.run { [order] in try? spawn(order) }
            let guest = ExecChild(
                executable: CommandWord("/bin/sleep"), words: ["sleep", "600"].map { CommandWord($0) }, environment: [],
                inheritance: Inheritance.take())
            let command = await spawning.run { try? guest.start() }
            let text = "\(node ?? 0) \(command ?? 0)\n"
            write(STDERR_FILENO, text, text.utf8.count)
            kill(getpid(), SIGKILL)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        let pids = text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }.filter { $0 > 0 }
        #expect(pids.count == 2, "\(text)")
        for pid in pids { try await until { ProcessTable.Stat(pid)?.hasEnded ?? true } }
        withExtendedLifetime(folder) {}
    }
}
