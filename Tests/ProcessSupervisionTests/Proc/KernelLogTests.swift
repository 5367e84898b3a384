import Testing

@testable import ProcessSupervision

@Suite struct KernelLogTests {
    private func read(_ text: String) -> KernelLog.Record? { KernelLog.Record(Array(text.utf8)) }

    @Test(arguments: [
        "3,1204,90000000,-;Out of memory: Killed process 4182 (redis-server) total-vm:1kB, anon-rss:1kB",
        "3,1204,90000000,-;Memory cgroup out of memory: Killed process 4182 (redis-server) total-vm:1kB\n SUBSYSTEM=x",
    ])
    func aKillIsReadFromTheKernelsMessage(text: String) throws {
        let record = try #require(read(text))
        #expect(record.isKill(of: 4182, since: 80_000_000))
        #expect(!record.isKill(of: 418, since: 0) && !record.isKill(of: 2, since: 0))
    }

    @Test func aMessageOlderThanTheProcessIsIgnored() throws {
        let record = try #require(read("3,1204,90000000,-;Out of memory: Killed process 4182 (redis-server)"))
        #expect(!record.isKill(of: 4182, since: 90_000_001))
    }

    @Test(arguments: ["", ";", "3,4;x", "a,b,c,d;Killed process", "3,1,2,-;Killed process", "3,1,2,-;process 7"])
    func anyOtherLineIsNotAKill(text: String) {
        #expect(read(text)?.isKill(of: 7, since: 0) != true)
    }

    /// The part of the log that this user may read on this host.
    @Test func readingTheKernelLogEnds() {
        #expect(KernelLog.namesKill(of: 1, after: 0) != true)
        _ = MemoryKills.count()
    }
}
