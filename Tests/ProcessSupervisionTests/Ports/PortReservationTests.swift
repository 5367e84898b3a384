import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

/// Serialized: the kernel could give a port that one test has released to another. Invariant: port-pair.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct PortReservationTests {
    private func failure(_ ports: PortPair, _ addresses: [String]) -> PortReservation.Failure? {
        do {
            _ = try PortReservation.reserve(ports, addresses: addresses)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["127.0.0.1", "*", "0.0.0.0", "::1", "::", "::*", "-::1"])
    func freePortsAreReserved(address: String) throws {
        let ports = try freePorts()
        let reservation = try PortReservation.reserve(ports, addresses: [address])
        #expect(failure(ports, [address]) == .promised(port: ports.client))
        reservation.release()
        #expect(failure(ports, [address]) == nil)
    }

    @Test(
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "*"), ("::1", "::1"), ("::", "::1"),
            ("::1", "::"),
        ])
    func aListenerMakesAPortBusy(listening: String, wanted: String) throws {
        let ports = try freePorts()
        for taken in [ports.client, ports.bus] {
            let holder = try Socket(listening, port: taken, .listeningForReuse)
            #expect(failure(ports, [wanted]) == .busy(port: taken, address: wanted))
            _ = consume holder
        }
        #expect(failure(ports, [wanted]) == nil)
    }

    @Test func aListenerOnBothFamiliesTakesIPv4AsWell() throws {
        let ports = try freePorts()
        let holder = try Socket("::", port: ports.client, .listeningForReuse, onlyV6: false)
        #expect(failure(ports, ["127.0.0.1"]) == .busy(port: holder.port, address: "127.0.0.1"))
    }

    @Test func aListenerOnAnotherAddressOrFamilyDoesNotBlockAReservation() throws {
        let ports = try freePorts()
        let (other, v6) = (
            try Socket("127.0.0.2", port: ports.client), try Socket("::", port: ports.bus)
        )
        #expect(failure(ports, ["127.0.0.1"]) == nil)
        #expect(failure(ports, ["127.0.0.1", "::1"]) == .busy(port: v6.port, address: "::1"))
        #expect(failure(ports, ["127.0.0.2"]) == .busy(port: other.port, address: "127.0.0.2"))
    }

    @Test func aBoundSocketMakesAPortBusy() throws {
        let ports = try freePorts()
        let holder = try Socket("127.0.0.1", port: ports.bus, .boundOnly)
        #expect(failure(ports, ["127.0.0.1"]) == .busy(port: holder.port, address: "127.0.0.1"))
    }

    @Test func onlyASocketWithReuseListensBesideAReservation() throws {
        let ports = try freePorts()
        let reservation = try PortReservation.reserve(ports, addresses: ["127.0.0.1", "::1"])
        for port in [ports.client, ports.bus] {
            #expect(throws: POSIXError.self) { try Socket("127.0.0.1", port: port, .listening) }
            _ = try Socket("127.0.0.1", port: port, .listeningForReuse)
            _ = try Socket("::1", port: port, .listeningForReuse)
        }
        reservation.release()
    }

    @Test func aConnectionInTimeWaitDoesNotBlockAReservation() throws {
        let server = try Socket("127.0.0.1", .listeningForReuse)
        let ports = PortPair(client: server.port, bus: try freePorts().bus)
        #expect(connects(to: server.port))
        // Closed on this side first: the remaining connection, in TIME_WAIT, has the server's port.
        close(accept(server.descriptor, nil, nil))
        _ = consume server
        #expect(failure(ports, ["127.0.0.1"]) == nil)
    }

    @Test func anAddressThatTheHostLacksIsUnusableAndNotBusy() throws {
        let ports = try freePorts()
        let code = EADDRNOTAVAIL
        #expect(failure(ports, ["192.0.2.1"]) == .unusable(port: ports.client, address: "192.0.2.1", code: code))
        #expect(failure(ports, ["-192.0.2.1", "127.0.0.1"]) == nil)
        let text = failure(ports, ["localhost"])?.description
        #expect(text == "\(ports.client) cannot be bound on localhost: Invalid argument")
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil && privilegedPorts > 100))
    func aPrivilegedPortIsUnusable() async {
        await #expect(processExitsWith: .success) {
            let nobody = try #require(UserAccount.named("nobody"))
            seteuid(nobody.userID)
            #expect(throws: PortReservation.Failure.unusable(port: 99, address: "127.0.0.1", code: EACCES)) {
                try PortReservation.reserve(PortPair(client: 99, bus: 10099), addresses: ["127.0.0.1"])
            }
        }
    }

    @Test func aFailedReservationReleasesItsPorts() throws {
        let ports = try freePorts()
        let holder = try Socket("127.0.0.1", port: ports.bus)
        #expect(failure(ports, ["127.0.0.1"]) == .busy(port: holder.port, address: "127.0.0.1"))
        let again = PortPair(client: ports.client, bus: try freePorts().bus)
        #expect(failure(again, ["127.0.0.1"]) == nil)
    }

    @Test(.enabled(if: access("/usr/bin/redis-server", X_OK) == 0))
    func theEngineListensBesideAReservation() async throws {
        let folder = try Folder()
        let ports = try freePorts()
        let reservation = try PortReservation.reserve(ports, addresses: ["127.0.0.1"])
        let options = [
            "--port", "\(ports.client)", "--cluster-enabled", "yes", "--cluster-port", "\(ports.bus)", "--bind",
            "127.0.0.1", "--save", "",
        ]
        let engine = try Child(folder.order("/usr/bin/redis-server", options))
        try await until { connects(to: ports.client) && connects(to: ports.bus) }
        let use = ProcessTable.directoryUses(of: [folder.path], bootID: ProcessTable.bootID()).uses.first
        #expect(use?.identity == engine.identity && use?.ports == [ports.client, ports.bus].sorted())
        #expect(use?.name == "redis-server")
        reservation.release()
        #expect(failure(ports, ["127.0.0.1"]) == .busy(port: ports.client, address: "127.0.0.1"))
        try watch.signal(engine.identity, SIGTERM)
        #expect(try await engine.exit() == ProcessExit(code: 0))
    }

    /// Only root may bind ports below this one (ip_unprivileged_port_start, ip(7)).
    private static var privilegedPorts: Int {
        let text = (try? contents("/proc/sys/net/ipv4/ip_unprivileged_port_start")) ?? ""
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
