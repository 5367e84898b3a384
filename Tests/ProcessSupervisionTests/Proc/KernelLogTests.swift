import Testing

@testable import ProcessSupervision

@Suite struct KernelLogTests {
    private func read(_ text: String) -> KernelLog.Record? { KernelLog.Record(Array(text.utf8)) }

    @Test(arguments: [
        "3,1204,90000000,-;Out of memory: Killed process 4182 (redis-server) total-vm:1kB, anon-rss:1kB",
        "3,1204,90000000,-;Memory cgroup out of memory: Killed process 4182 (redis-server) total-vm:1kB\n SUBSYSTEM=x",
    ])
    func aKillIsReadFromTheKernelsOwnSentence(text: String) throws {
        let record = try #require(read(text))
        #expect(record.isKill(of: 4182, since: 80_000_000))
        #expect(!record.isKill(of: 418, since: 0) && !record.isKill(of: 2, since: 0))
    }

    @Test func whatIsOlderThanTheProcessIsOfAnotherWithItsPid() throws {
        let record = try #require(read("3,1204,90000000,-;Out of memory: Killed process 4182 (redis-server)"))
        #expect(!record.isKill(of: 4182, since: 90_000_001))
    }

    @Test(arguments: ["", ";", "3,4;x", "a,b,c,d;Killed process", "3,1,2,-;Killed process", "3,1,2,-;process 7"])
    func anythingElseIsNone(text: String) {
        #expect(read(text)?.isKill(of: 7, since: 0) != true)
    }

    /// What this host lets this user see.
    @Test func readingItEnds() {
        #expect(KernelLog.namesKill(of: 1, after: 0) != true)
        _ = MemoryKills.count()
    }
}
