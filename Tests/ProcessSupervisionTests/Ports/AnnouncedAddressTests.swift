import ProcessSupervision
import Testing

/// Whether the address that nodes announce leads to them.
@Suite struct AnnouncedAddressTests {
    private func check(_ host: String, bind: [String] = ["127.0.0.1"]) -> AnnouncedAddress.Trouble? {
        do {
            try AnnouncedAddress.check(host, ports: Array(28471...28490), addresses: bind, limit: .milliseconds(300))
            return nil
        } catch {
            return error
        }
    }

    @Test func anAnnouncedAddressThatTheNodesListenOnIsAccepted() {
        #expect(check("127.0.0.1") == nil)
        #expect(check("localhost") == nil)
        #expect(check("127.0.0.2", bind: ["0.0.0.0"]) == nil)
    }

    @Test func anAnnouncedAddressThatTheNodesDoNotListenOnIsRefused() {
        guard case .unreachable? = check("127.0.0.2") else { return #expect(Bool(false), "no process listens there") }
        // TEST-NET-1 (RFC 5737): no host has it.
        guard case .unreachable? = check("192.0.2.1", bind: ["0.0.0.0"]) else {
            return #expect(Bool(false), "no host has this address")
        }
    }

    @Test func anAnnouncedNameThatDoesNotResolveIsRefused() {
        guard case .unresolved? = check("no-such-host.invalid") else {
            return #expect(Bool(false), "it has no address")
        }
    }
}
