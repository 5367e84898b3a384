import ClusterModel
import ControlAPI
import Testing

@testable import clusterd

@Suite struct WatchingTests {
    @Test(arguments: [
        ("q", [Screen.Event.quit]), ("jk", [.down, .up]), ("\u{1B}[A\u{1B}[B", [.up, .down]), ("\u{1B}OA", [.up]),
        ("\u{1B}[5~ ", [.pageUp, .pageDown]), ("gG", [.first, .last]), ("xyz\u{1B}[15~", []), ("\u{1B}", []),
    ])
    func keysWorkAsInLess(keys: String, events: [Screen.Event]) {
        #expect(Screen.events(Array(keys.utf8)) == events)
    }

    private var replica: NodeDocument {
        var node = NodeDocument(
            name: "7003", host: "127.0.0.1", port: 7003, busPort: 17003, process: .running, wanted: .running,
            health: .ok)
        (node.role, node.link) = (.replica, .up)
        return node
    }

    @Test func waitLastsUntilTheNodeServesOrIsInSync() {
        #expect(replica.reasonsAgainst == [])
        var node = replica
        node.link = .down
        #expect(node.reasonsAgainst == ["for 7003 to be linked to its master"])
        node.role = nil
        #expect(node.reasonsAgainst == ["for 7003 to have a role"])
        node.health = .loading
        #expect(node.reasonsAgainst == ["for 7003 to be ok: it is loading"])
        node.process = .backoff
        node.lastExit = .init(at: Timestamp(WallTime(milliseconds: 0)), cause: "killed by SIGKILL")
        #expect(node.reasonsAgainst == ["for 7003 to run: it is backoff, killed by SIGKILL"])
        node.wanted = .stopped
        #expect(
            node.reasonsAgainst == ["for 7003 to run: it is stopped (requested; clusterd start-node 7003)"])
        var master = replica
        (master.role, master.link) = (.master, nil)
        #expect(master.reasonsAgainst == [])
    }
}
