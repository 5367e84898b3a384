import ClusterModel
import Testing

@testable import Planner

/// Which lines of a node's log are shown with its exit. The logs were written by Redis 6.2, 7.0 and 8.2 and Valkey 9.1.
@Suite struct TellingLinesTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        var what: String
        var log: String
        var exit = ProcessExit(code: 1)
        /// Complete lines; the process and the time are omitted where the engine writes none.
        var told: [String]
        var testDescription: String { what }
    }

    static let start70 = """
        8945:C 29 Nov 2026 09:59:02.050 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
        8945:C 29 Nov 2026 09:59:02.050 # Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=8945, just started
        8945:C 29 Nov 2026 09:59:02.050 # Configuration loaded
        8945:M 29 Nov 2026 09:59:02.084 * monotonic clock: POSIX clock_gettime
        8945:M 29 Nov 2026 09:59:02.086 * Node configuration loaded, I'm 140858c96beb2d124c1a3ccf88f74d0c94c862f3
        8945:M 29 Nov 2026 09:59:02.152 * Running mode=cluster, port=18304.
        8945:M 29 Nov 2026 09:59:02.152 # Server initialized
        8945:M 29 Nov 2026 09:59:02.152 # WARNING Memory overcommit must be enabled! Without it, a background save may fail.

        """

    static let start82 = """
        8858:C 29 Nov 2026 09:58:52.194 # WARNING: Changing databases number from 16 to 1 since we are in cluster mode
        8858:C 29 Nov 2026 09:58:52.194 # WARNING Memory overcommit must be enabled! Without it, a background save may fail.
        8858:C 29 Nov 2026 09:58:52.194 * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
        8858:C 29 Nov 2026 09:58:52.194 * Redis version=8.2.3, bits=64, commit=b5d43ceb, modified=0, pid=8858, just started
        8858:C 29 Nov 2026 09:58:52.194 * Configuration loaded
        8858:M 29 Nov 2026 09:58:52.195 * monotonic clock: POSIX clock_gettime
        8858:M 29 Nov 2026 09:58:52.264 * Running mode=cluster, port=18302.
        8858:M 29 Nov 2026 09:58:52.265 * Node configuration loaded, I'm 297fc7551ea93d3f9968dcc17581cb8486287777
        8858:M 29 Nov 2026 09:58:52.316 * Server initialized
        8858:M 29 Nov 2026 09:58:52.331 * Reading RDB base file on AOF loading...
        8858:M 29 Nov 2026 09:58:52.331 * Loading RDB produced by version 8.2.3
        8858:M 29 Nov 2026 09:58:52.331 * RDB age 7 seconds
        8858:M 29 Nov 2026 09:58:52.331 * RDB memory usage when created 2.29 Mb
        8858:M 29 Nov 2026 09:58:52.331 * RDB is base AOF
        8858:M 29 Nov 2026 09:58:52.331 * Done loading RDB, keys loaded: 0, keys expired: 0.
        8858:M 29 Nov 2026 09:58:52.332 * DB loaded from base file appendonly.aof.1.base.rdb: 0.016 seconds

        """

    static let start91 = """
        8916:M 29 Nov 2026 09:59:00.107 # WARNING Memory overcommit must be enabled! Without it, a background save may fail.
        8916:M 29 Nov 2026 09:59:00.139 * oO0OoO0OoO0Oo Valkey is starting oO0OoO0OoO0Oo
        8916:M 29 Nov 2026 09:59:00.139 * Valkey version=9.1.2, bits=64, commit=00000000, modified=1, pid=8916, just started
        8916:M 29 Nov 2026 09:59:00.139 * Configuration loaded
        8916:M 29 Nov 2026 09:59:00.180 * monotonic clock: X86 TSC @ 2445.30 ticks/us
        8916:M 29 Nov 2026 09:59:00.180 * Running mode=cluster, port=18303.
        8916:M 29 Nov 2026 09:59:00.181 * Node configuration loaded, I'm c0388aadbb380fd41c5ec5788a8142c6e6c5bd3c
        8916:M 29 Nov 2026 09:59:00.182 * Static Module 'lua' successfully loaded
        8916:M 29 Nov 2026 09:59:00.207 * Server initialized
        8916:M 29 Nov 2026 09:59:00.207 * Cleaning slot migration log in anticipation of a load operation.
        8916:M 29 Nov 2026 09:59:00.211 * Reading RDB base file on AOF loading...
        8916:M 29 Nov 2026 09:59:00.212 * DB loaded from base file appendonly.aof.1.base.rdb: 0.004 seconds

        """

    /// A routine synchronization, as logged by a Redis 7.0 master and a replica.
    static let synchronisation = """
        1184:S 29 Nov 2026 07:26:39.100 * Full resync from master: 8e3f:1
        1184:S 29 Nov 2026 07:26:39.198 * MASTER <-> REPLICA sync: Loading DB in memory
        1184:S 29 Nov 2026 07:26:39.198 * Done loading RDB, keys loaded: 1368, keys expired: 0.
        1184:S 29 Nov 2026 07:26:39.198 * MASTER <-> REPLICA sync: Finished with success
        1184:S 29 Nov 2026 07:26:39.198 * Creating AOF incr file temp-appendonly.aof.incr on background rewrite
        1184:S 29 Nov 2026 07:26:39.212 * Background append only file rewriting started by pid 1225
        1225:C 29 Nov 2026 07:26:39.280 * Successfully created the temporary AOF base file temp-rewriteaof-bg-1225.aof
        1225:C 29 Nov 2026 07:26:39.282 * Fork CoW for AOF rewrite: current 0 MB, peak 0 MB, average 0 MB
        1184:S 29 Nov 2026 07:26:39.342 * Background AOF rewrite terminated with success
        1184:S 29 Nov 2026 07:26:39.342 * Removing the history file appendonly.aof.2.base.rdb in the background
        1184:S 29 Nov 2026 07:26:39.342 * Background AOF rewrite finished successfully
        1184:M 29 Nov 2026 07:26:39.400 # Diskless rdb transfer, done reading from pipe, 1 replicas still up.

        """

    static let crash = """


        === REDIS BUG REPORT START: Cut & paste starting from here ===
        8945:M 29 Nov 2026 09:59:03.915 # Redis 7.0.15 crashed by signal: 11, si_code: 0
        8945:M 29 Nov 2026 09:59:03.915 # Accessing address: 0x2235
        8945:M 29 Nov 2026 09:59:03.915 # Killed by PID: 8757, UID: 0
        8945:M 29 Nov 2026 09:59:03.915 # Crashed running the instruction at: 0x7f27d2126f36

        ------ STACK TRACE ------
        EIP:
        /lib/x86_64-linux-gnu/libc.so.6(epoll_wait+0x56)[0x7f27d2126f36]

        Backtrace:
        /lib/x86_64-linux-gnu/libc.so.6(+0x3c050)[0x7f27d205a050]
        /lib/x86_64-linux-gnu/libc.so.6(epoll_wait+0x56)[0x7f27d2126f36]
        /usr/bin/redis-server *:18304 [cluster](aeMain+0x1d)[0x55fe299879ed]
        /usr/bin/redis-server *:18304 [cluster](main+0x316)[0x55fe29983216]

        ------ REGISTERS ------
        8945:M 29 Nov 2026 09:59:03.916 #
        RAX:fffffffffffffffc RBX:00007f27d1708560

        """

    static let unexpectedEnd =
        "# Unexpected end of file reading the append only file appendonly.aof.1.incr.aof. You can: 1) Make a backup"

    static let samples: [Sample] = [
        Sample(
            what: "a crash of Redis 7.0", log: start70 + synchronisation + crash, exit: ProcessExit(signal: 11),
            told: [
                "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
                "# Redis 7.0.15 crashed by signal: 11, si_code: 0", "# Accessing address: 0x2235",
                "# Killed by PID: 8757, UID: 0", "# Crashed running the instruction at: 0x7f27d2126f36",
                "------ STACK TRACE ------", "EIP:",
                "/lib/x86_64-linux-gnu/libc.so.6(epoll_wait+0x56)[0x7f27d2126f36]", "Backtrace:",
                "/lib/x86_64-linux-gnu/libc.so.6(+0x3c050)[0x7f27d205a050]",
                "/lib/x86_64-linux-gnu/libc.so.6(epoll_wait+0x56)[0x7f27d2126f36]",
                "/usr/bin/redis-server *:18304 [cluster](aeMain+0x1d)[0x55fe299879ed]",
            ]),
        Sample(
            what: "killed: out of memory", log: start70 + synchronisation, exit: ProcessExit(signal: 9), told: []),
        Sample(
            what: "killed, and its disk was full before",
            log: start70 + synchronisation + """
                1184:M 29 Nov 2026 07:27:39.100 # Error writing to the AOF file: No space left on device
                1184:M 29 Nov 2026 07:27:40.100 * Starting BGSAVE for SYNC with target: replicas sockets

                """, exit: ProcessExit(signal: 9), told: ["# Error writing to the AOF file: No space left on device"]),
        Sample(
            what: "an old warning",
            log: start70 + """
                1184:M 29 Nov 2026 10:27:39.100 # Connection with replica 127.0.0.1:7003 lost.
                1184:M 29 Nov 2026 11:27:39.100 * 100 changes in 60 seconds. Saving...

                """, exit: ProcessExit(signal: 9), told: []),
        Sample(
            what: "a full disk",
            log: start70 + """
                643:S 29 Nov 2026 09:59:43.301 # User requested shutdown...
                643:S 29 Nov 2026 09:59:43.301 * Saving the final RDB snapshot before exiting.
                643:S 29 Nov 2026 09:59:43.302 # Write error saving DB on disk(rdbSaveRio): No space left on device
                643:S 29 Nov 2026 09:59:43.302 # Error trying to save the DB, can't exit.
                643:S 29 Nov 2026 09:59:43.302 # Errors trying to shut down the server. Check the logs for more information.

                """,
            told: [
                "# User requested shutdown...", "* Saving the final RDB snapshot before exiting.",
                "# Write error saving DB on disk(rdbSaveRio): No space left on device",
                "# Error trying to save the DB, can't exit.",
                "# Errors trying to shut down the server. Check the logs for more information.",
            ]),
        Sample(
            what: "a bad configuration",
            log: """

                *** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***
                Reading the configuration file, at line 3
                >>> 'maxmemory abc'
                argument must be a memory value

                """,
            told: [
                "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Reading the configuration file, at line 3",
                ">>> 'maxmemory abc'", "argument must be a memory value",
            ]),
        Sample(
            what: "a broken append-only file of Redis 8.2",
            log: start82 + "8858:M 29 Nov 2026 09:58:52.332 \(unexpectedEnd)\n", told: [unexpectedEnd]),
        Sample(
            what: "a broken append-only file of Valkey 9.1",
            log: start91 + "8916:M 29 Nov 2026 09:59:00.212 \(unexpectedEnd)\n", told: [unexpectedEnd]),
        Sample(
            what: "a broken append-only file of Redis 6.2",
            log: start70
                + "8809:M 29 Nov 2026 09:59:03.044 # Bad file format reading the append only file: make a backup\n",
            told: ["# Bad file format reading the append only file: make a backup"]),
        Sample(
            what: "a broken manifest",
            log: start70 + """
                8945:M 29 Nov 2026 09:59:02.823 # \n\
                *** FATAL AOF MANIFEST FILE ERROR ***

                8945:M 29 Nov 2026 09:59:02.823 # Reading the manifest file, at line 2

                8945:M 29 Nov 2026 09:59:02.823 # >>> 'file appendonly.aof.1.base.rdb seq 2 type b'

                8945:M 29 Nov 2026 09:59:02.823 # Found duplicate base file information

                """,
            told: [
                "*** FATAL AOF MANIFEST FILE ERROR ***", "# Reading the manifest file, at line 2",
                "# >>> 'file appendonly.aof.1.base.rdb seq 2 type b'", "# Found duplicate base file information",
            ]),
        Sample(
            what: "a shutdown of Valkey by hand",
            log: start91 + """
                8916:M 29 Nov 2026 10:59:01.640 * User requested shutdown... (user request from 'id=3')
                8916:M 29 Nov 2026 10:59:01.640 * Saving the cluster configuration file before exiting.
                8916:M 29 Nov 2026 10:59:01.743 * Module lua unloaded
                8916:M 29 Nov 2026 10:59:01.743 # Valkey is now ready to exit, bye bye...

                """, exit: ProcessExit(code: 0),
            told: [
                "* User requested shutdown... (user request from 'id=3')",
                "* Saving the cluster configuration file before exiting.",
                "# Valkey is now ready to exit, bye bye...",
            ]),
        Sample(
            what: "no remarkable line", log: start70,
            told: [
                "* Running mode=cluster, port=18304.", "# Server initialized",
                "# WARNING Memory overcommit must be enabled! Without it, a background save may fail.",
            ]),
        Sample(
            what: "named fields",
            log: """
                pid=4177 role=primary timestamp="24 Nov 2026 22:42:44.557" level=warning message="out of luck"
                pid=4177 role=primary timestamp="24 Nov 2026 22:42:44.558" level=verbose message="0 clients"

                """,
            told: [#"pid=4177 role=primary timestamp="24 Nov 2026 22:42:44.557" level=warning message="out of luck""#]),
    ]

    @Test(arguments: samples) func theLinesThatExplainAnExitAreShown(sample: Sample) {
        let lines = sample.log.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let told = TellingLines(lines).chosen(sample.exit, atMost: 12)
        #expect(told.map(Self.withoutStamp) == sample.told)
    }

    private static func withoutStamp(_ line: String) -> String {
        let parts = line.split(separator: " ", maxSplits: 5)
        return parts.count == 6 && parts[3] == "2026" ? String(parts[5]) : line
    }

    @Test(arguments: [0, 3, 12]) func theNumberOfShownLinesIsBounded(count: Int) {
        let lines = (0..<500).map { "1:M 24 Nov 2026 21:31:40.464 # trouble \($0)" }
        for exit in [ProcessExit(code: 1), ProcessExit(signal: 9), ProcessExit()] {
            let told = TellingLines(lines).chosen(exit, atMost: count)
            #expect(told == Array(lines.suffix(count)))
            #expect(TellingLines(["REDIS BUG REPORT START"] + lines).chosen(exit, atMost: count).count == count)
        }
    }
}
