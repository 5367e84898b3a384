import Testing

@testable import ClusterModel

/// A reply that is read with the help of the last one gives what it gives by itself.
struct NodesReplyTests {
    private static let ids = "abc".map { String(repeating: $0, count: 40) }
    private static let first = """
        \(ids[2]) 127.0.0.1:7002@17002 slave \(ids[0]) 0 1700000000123 1 connected
        \(ids[0]) 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8191 [7-<-\(ids[1])]
        \(ids[1]) 127.0.0.1:7001@17001 master - 1700000000001 1700000000000 2 disconnected 8192-16383

        """

    private func view(_ text: String, after last: String = first) -> NodesView {
        NodesReply(Array(text.utf8), after: NodesReply(Array(last.utf8))).view
    }

    @Test func onlyTheTimesOfTheSameLinesAreRead() {
        let next = Self.first.replacing("1700000000123", with: "1700000001124").replacing(" 0 0 1", with: " 5 6 1")
        let (old, new) = (NodesView.parse(Self.first), view(next))
        #expect(new == NodesView.parse(next))
        #expect(new.entries.map(\.pingSent) == [5, 1_700_000_000_001, 0])
        #expect(new.entries.last?.pongReceived == 1_700_000_001_124)
        #expect(new.myself?.id == NodeID(Self.ids[0]) && new.digest == old.digest)
        #expect(!new.isCopy(of: old), "entries of another reading are other entries")
    }

    @Test func entriesAreSharedWithTheLastReply() {
        let last = NodesReply(Array(Self.first.utf8))
        let next = NodesReply(Array(Self.first.replacing("1700000000123", with: "9").utf8), after: last)
        #expect(next.view.isCopy(of: last.view) && next.view != last.view)
    }

    @Test(arguments: [
        (" 2 disconnected", " 3 disconnected"), ("8192-16383", "8192-16382"), ("myself,master", "myself,master,fail?"),
        ("7001@17001", "7011@17011"), ("1700000000000 2", "-1 2"), (" disconnected 8192-16383\n", " disconnected 8192"),
        ("slave", "master"), ("1700000000123", "soon"), (" 0 0 1", "  0 0 1"), ("\n", "\n\n"),
    ])
    func whatIsNewIsSeen(old: String, new: String) {
        let next = Self.first.replacing(old, with: new)
        #expect(view(next) == NodesView.parse(next))
        let cut = String(Self.first.prefix(150))
        #expect(view(cut) == NodesView.parse(cut) && view(next, after: cut) == NodesView.parse(next))
    }

    @Test func arbitraryBytesReadTheSameWithOrWithoutALastReply() {
        var random = SplitMix64(seed: 43)
        var last = NodesReply(Array(Self.first.utf8))
        for _ in 0..<4000 {
            let bytes = mutated(Array(Self.first.utf8), &random)
            let reply = NodesReply(bytes, after: last)
            #expect(reply.view == NodesReply(bytes).view)
            if Bool.random(using: &random) { last = reply }
        }
    }
}
