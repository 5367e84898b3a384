import ClusterModel
import Planner
import Testing

@Suite struct ExitReasonTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        var log: [String]
        var exit = ProcessExit(code: 1)
        var kind: ExitReason.Kind
        var cause: String
        var testDescription: String { cause }
    }

    /// Logs written by Redis 6.2, 7.0 and 8.2 and Valkey 9.1.
    static let samples: [Sample] = [
        Sample(
            log: [
                "1:M 24 Nov 2026 21:31:40.527 # Warning: Could not create server TCP listening socket 127.0.0.1:7005: "
                    + "bind: Address already in use",
                "1:M 24 Nov 2026 21:31:40.527 # Failed listening on port 7005 (TCP), aborting.",
            ], kind: .portTaken(7005), cause: "could not bind port 7005: address already in use"),
        Sample(
            log: ["1:M 24 Nov 2026 21:31:40.527 # Failed listening on port 7003 (tcp), aborting."],
            kind: .portTaken(7003), cause: "could not bind port 7003: address already in use"),
        Sample(
            log: [
                "1:M 24 Nov 2026 21:31:40.527 # Warning: Could not create server TCP listening socket 10.99.99.99:7005: "
                    + "bind: Cannot assign requested address",
                "1:M 24 Nov 2026 21:31:40.527 # Failed listening on port 7005 (TCP), aborting.",
            ], kind: .unknown,
            cause: "could not bind its port: Warning: Could not create server TCP listening socket 10.99.99.99:7005: "
                + "bind: Cannot assign requested address"),
        Sample(
            log: [
                "", "*** FATAL CONFIG FILE ERROR (Version 9.1.2) ***",
                "Reading the configuration file, at line 8", ">>> 'maxmemory \"abc\"'",
                "argument must be a memory value",
            ], kind: .badDirective,
            cause: "rejected its configuration: 'maxmemory \"abc\"': argument must be a memory value"),
        Sample(
            log: ["1:M 24 Nov 2026 21:31:38.224 # Unrecoverable error: corrupted cluster config file."],
            kind: .badNodesFile, cause: "rejected its nodes.conf as corrupted"),
        Sample(
            log: [
                "=== VALKEY BUG REPORT START: Cut & paste starting from here ===",
                "1:M 24 Nov 2026 21:33:08.892 # Guru Meditation: Unrecoverable error: corrupted cluster config file "
                    + "\"garbage", "\". #cluster_legacy.c:1043",
                "1:M 24 Nov 2026 21:33:08.893 # valkey 9.1.2 crashed by signal: 11, si_code: 1",
            ], exit: ProcessExit(signal: 11), kind: .badNodesFile, cause: "rejected its nodes.conf as corrupted"),
        Sample(
            log: [
                "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
                "1:M 24 Nov 2026 21:32:42.266 # ==> cluster_legacy.c:521 'server.cluster->myself == NULL' is not true",
            ], exit: ProcessExit(signal: 6), kind: .badNodesFile, cause: "rejected its nodes.conf as corrupted"),
        Sample(
            log: [
                "1:M 24 Nov 2026 21:31:18.237 # Bad file format reading the append only file appendonly.aof.1.incr.aof: "
                    + "make a backup of your AOF file, then use ./redis-check-aof --fix <filename>"
            ], kind: .badAppendOnlyFile,
            cause: "could not load its append-only file: Bad file format reading the append only file "
                + "appendonly.aof.1.incr.aof"),
        // The engine's advice differs from clusterd's.
        Sample(
            log: [
                "1:M 29 Nov 2026 21:31:18.237 # Unexpected end of file reading the append only file a.aof.1.incr.aof. You can: "
                    + "1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively "
                    + "you can set the 'aof-load-truncated' configuration option to yes and restart the server."
            ], kind: .badAppendOnlyFile,
            cause: "could not load its append-only file: Unexpected end of file reading the append only file "
                + "a.aof.1.incr.aof"),
        Sample(
            log: [
                "1:M 24 Nov 2026 21:31:22.679 # Unable to obtain the AOF file appendonly.aof.1.incr.aof length. stat: No "
                    + "such file or directory"
            ], kind: .badAppendOnlyFile,
            cause:
                "could not load its append-only file: Unable to obtain the AOF file appendonly.aof.1.incr.aof length. "
                + "stat: No such file or directory"),
        Sample(
            log: [
                "1:M 28 Nov 2026 16:01:06.729 # ", "*** FATAL AOF MANIFEST FILE ERROR ***", "",
                "1:M 28 Nov 2026 16:01:06.729 # Found an empty AOF manifest", "",
            ], exit: ProcessExit(code: 1), kind: .badAppendOnlyFile,
            cause: "could not load its append-only file: manifest: Found an empty AOF manifest"),
        Sample(
            log: [
                "1:M 28 Nov 2026 16:01:09.908 # ", "*** FATAL AOF MANIFEST FILE ERROR ***", "",
                "1:M 28 Nov 2026 16:01:09.908 # Reading the manifest file, at line 2", "",
                "1:M 28 Nov 2026 16:01:09.908 # >>> 'file a.aof.1.base.rdb seq 1 type b'", "",
                "1:M 28 Nov 2026 16:01:09.908 # Found duplicate base file information", "",
            ], exit: ProcessExit(code: 1), kind: .badAppendOnlyFile,
            cause: "could not load its append-only file: manifest: 'file a.aof.1.base.rdb seq 1 type b': "
                + "Found duplicate base file information"),
        Sample(
            log: [
                "1:M 24 Nov 2026 21:32:50.586 * Reading RDB base file on AOF loading...",
                "1:M 24 Nov 2026 21:32:50.586 # Short read or OOM loading DB. Unrecoverable error, aborting now.",
            ], kind: .badAppendOnlyFile,
            cause:
                "could not load its append-only file: Short read or OOM loading DB. Unrecoverable error, aborting now."
        ),
        Sample(
            log: [
                "1:M 24 Nov 2026 21:31:27.099 # Wrong RDB checksum expected: (d7) but got (ff). Aborting now.",
                "[offset 0] Checking RDB file dump.rdb",
            ], kind: .badDump,
            cause: "could not load its RDB file: Wrong RDB checksum expected: (d7) but got (ff). Aborting now."),
        Sample(
            log: [
                "1:C 28 Nov 2026 15:40:21.597 # Redis version=7.0.15, bits=64, commit=0, modified=0, pid=1, just started",
                "1:M 28 Nov 2026 15:40:21.599 # Can't handle RDB format version 12",
                "1:M 28 Nov 2026 15:40:21.599 # Fatal error loading the DB: Invalid argument. Exiting.",
            ], kind: .newerData,
            cause:
                "cannot read files in RDB format 12, as Redis 7.4 and later write them: Redis 7.0.15 is too old for them"
        ),
        Sample(
            log: [
                "1:C 28 Nov 2026 15:40:23.692 # Valkey version=8.0.1, bits=64, commit=0, modified=0, pid=1, just started",
                "1:M 28 Nov 2026 15:40:23.695 * Reading RDB base file on AOF loading...",
                "1:M 28 Nov 2026 15:40:23.695 # Can't handle RDB format version 80",
                "1:M 28 Nov 2026 15:40:23.695 # Error reading the RDB base file appendonly.aof.2.base.rdb, AOF loading aborted",
                "1:M 28 Nov 2026 15:40:23.695 # Unrecoverable error reading the append only file a.base.rdb: Invalid argument",
            ], kind: .newerData,
            cause:
                "cannot read files in RDB format 80, as Valkey 9 and later write them: Valkey 8.0.1 is too old for them"
        ),
        Sample(
            log: ["1:M 24 Nov 2026 21:31:27.099 # Fatal: can't update cluster config file."], kind: .diskFull,
            cause: "found the disk full"),
        // The engine continued after that, and was then killed from outside.
        Sample(
            log: ["1:M 24 Nov 2026 21:31:27.099 # Error writing to the AOF file: No space left on device"],
            exit: ProcessExit(signal: 9), kind: .killed, cause: "killed by SIGKILL"),
        Sample(
            log: [
                "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
                "1:S 24 Nov 2026 21:31:27.099 # Guru Meditation: Replica was unable to write command to disk. #server.c:3812",
            ], exit: ProcessExit(signal: 6), kind: .diskFull, cause: "found the disk full"),
        Sample(
            log: [
                "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
                "1:M 24 Nov 2026 21:31:40.464 # === ASSERTION FAILED ===",
                "1:M 24 Nov 2026 21:31:40.464 # ==> t_string.c:12 'o != NULL' is not true",
            ], exit: ProcessExit(signal: 11, coreDumped: true), kind: .crashed,
            cause: "killed by SIGSEGV (core dumped): assertion failed: ==> t_string.c:12 'o != NULL' is not true"),
        Sample(
            log: [
                "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
                "1:M 24 Nov 2026 21:31:40.464 # Redis 7.0.15 crashed by signal: 11, si_code: 0",
                "1:M 24 Nov 2026 21:31:40.464 # Killed by PID: 13618, UID: 0",
            ], exit: ProcessExit(signal: 11), kind: .killed, cause: "killed by SIGSEGV, sent by pid 13618"),
        Sample(
            log: ["1:M 24 Nov 2026 21:31:40.464 # Can't chdir to '/nowhere': No such file or directory"],
            kind: .unknown, cause: "exited with code 1: Can't chdir to '/nowhere': No such file or directory"),
        Sample(
            log: ["1:M 24 Nov 2026 21:31:40.464 # Redis is now ready to exit, bye bye..."], exit: ProcessExit(),
            kind: .clean, cause: "ended cleanly according to its log (not a child of this clusterd: no exit status)"),
        Sample(
            log: [], exit: ProcessExit(), kind: .unknown,
            cause: "ended (not a child of clusterd: no exit status)"),
        Sample(log: [], exit: ProcessExit(signal: 9), kind: .killed, cause: "killed by SIGKILL"),
        Sample(log: ["anything"], exit: ProcessExit(code: 0), kind: .clean, cause: "ended cleanly"),
        Sample(log: [], exit: ProcessExit(code: 3), kind: .unknown, cause: "exited with code 3"),
    ]

    @Test(arguments: samples) func theReasonOfAnExitIsDerivedFromTheLog(sample: Sample) {
        let reason = ExitReason(exit: sample.exit, log: sample.log)
        #expect(reason.kind == sample.kind)
        #expect(reason.cause == sample.cause)
    }

    @Test func aCrashKeepsTheHeadOfItsReportAndOtherExitsKeepTheEndOfTheLog() {
        let lines = (1...100).map { "1:M 24 Nov 2026 21:31:40.464 * line \($0)" }
        let report = ["=== REDIS BUG REPORT START: Cut & paste starting from here ==="] + lines
        let crash = ExitReason(exit: ProcessExit(signal: 11), log: lines + report)
        #expect(crash.logTail.count == 12 && crash.logTail[0] == report[0] && crash.logTail[1] == lines[0])
        let end = ExitReason(exit: ProcessExit(code: 1), log: lines + [String(repeating: "x", count: 1000)])
        #expect(end.logTail.count == 12 && end.logTail[10] == lines[99] && end.logTail[11].count == 300)
    }

    @Test(arguments: [0, 1, 7, 40]) func arbitraryBytesInALogAreAccepted(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let log = (0..<50).map { _ in
            String(decoding: (0..<80).map { _ in UInt8.random(in: 0...255, using: &random) }, as: UTF8.self)
        }
        #expect(ExitReason(exit: ProcessExit(code: 1), log: log).kind == .unknown)
    }
}
