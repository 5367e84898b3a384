import ClusterModel
import Foundation
import Glibc
import Testing

@testable import ProcessSupervision

@Suite(.serialized, .timeLimit(.minutes(1)))
struct PortHolderTests {
    @Test(arguments: ["127.0.0.1", "0.0.0.0", "::1", "::"])
    func theHolderOfAListeningPortIsNamed(address: String) throws {
        let socket = try Socket(address)
        let holder = PortHolder.of(port: socket.port, address: address)
        let user = try #require(UserAccount.current?.name)
        let command = try #require(ProcessTable.Stat(getpid())?.command)
        #expect(holder.pid == getpid() && holder.command == command && holder.user == user)
        #expect(holder.description == "\(command) (pid \(getpid()), user \(user))")
        #expect(
            holder.sentence(port: socket.port)
                == "\(socket.port) is in use by \(command) (pid \(getpid()), user \(user))")
    }

    @Test(.enabled(if: python != nil))
    func aHolderInAnotherProcessIsNamed() async throws {
        let folder = try Folder()
        let port = try freePorts().client
        let child = try await listener(in: folder, port: port)
        let holder = PortHolder.of(port: port, address: "127.0.0.1")
        #expect(holder.pid == child.pid && holder.command?.hasPrefix("python3") == true && holder.trace == .listens)
    }

    @Test func aListenerOnAnotherAddressIsNotTheHolder() throws {
        let ports = try freePorts()
        let other = try Socket("127.0.0.2", port: ports.client)
        #expect(PortHolder.of(port: other.port, address: "127.0.0.1").pid == nil)
        #expect(PortHolder.of(port: other.port, address: "*").pid == getpid())
        #expect(PortHolder.of(port: other.port).pid == getpid())
        let both = try Socket("::", port: ports.bus, onlyV6: false)
        #expect(PortHolder.of(port: both.port, address: "127.0.0.1").pid == getpid())
    }

    @Test func theHolderOfAConnectedPortIsNamed() throws {
        let server = try Socket("127.0.0.1")
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &name) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                try #require(getsockname(server.descriptor, address, &length) == 0)
                try #require(connect(client, address, length) == 0)
                try #require(getsockname(client, address, &length) == 0)
            }
        }
        let holder = PortHolder.of(port: Int(name.sin_port.bigEndian), address: "127.0.0.1")
        #expect(holder.pid == getpid() && holder.trace == .connected)
    }

    @Test func aHolderWithoutAListeningSocketIsReportedAsNotVisible() throws {
        let bound = try Socket("127.0.0.1", .boundOnly)
        let holder = PortHolder.of(port: bound.port)
        #expect(holder.pid == nil && holder.user == nil && holder.trace == .none)
        #expect(
            holder.sentence(port: 7005)
                == "7005 is in use by a process that is not visible (its socket does not listen, or has closed since)")
    }

    @Test func theHolderOfAReservationIsNamed() throws {
        let ports = try freePorts()
        let reservation = try PortReservation.reserve(ports, addresses: ["127.0.0.1"])
        let holder = PortHolder.ofPromise(port: ports.bus)
        #expect(holder.pid == getpid() && holder.trace == .promised)
        #expect(holder.sentence(port: ports.bus).hasPrefix("\(ports.bus) is reserved by "))
        reservation.release()
        #expect(PortHolder.ofPromise(port: ports.bus).pid == nil)
    }

    @Test(.enabled(if: isRoot && UserAccount.named("nobody") != nil && python != nil))
    func aHolderOfAnotherUserIsNamedByUserWithAHint() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder()
            let port = try freePorts().client
            let child = try await listener(in: folder, port: port)
            let nobody = try #require(UserAccount.named("nobody"))
            seteuid(nobody.userID)
            let sentence = PortHolder.of(port: port).sentence(port: port)
            seteuid(0)
            try watch.signal(child.identity, SIGKILL)
            _ = try await child.exit()
            let expected =
                "\(port) is in use by user root (process not visible to clusterd; sudo ss -ltnp 'sport = :\(port)')"
            #expect(sentence == expected)
        }
    }

    @Test func linesOfTheSocketTablesAreParsed() throws {
        func socket(_ line: String) -> TCPSocket? { SocketTable.socket(ArraySlice(line.utf8), port: nil) }
        let four =
            "   0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0"
        #expect(
            socket(four)
                == TCPSocket(address: [127, 0, 0, 1], port: 7000, listens: true, userID: 1000, inode: 12345))
        let six =
            "  1: 00000000000000000000000001000000:1B58 00000000000000000000000000000000:0000 01 00000000:00000000 "
            + "00:00000000 00000000 0 0 99 1 0"
        #expect(socket(six)?.address == Array(repeating: 0, count: 15) + [1] && socket(six)?.listens == false)
        func listens(_ line: String) -> Bool { SocketTable.isListening(ArraySlice(line.utf8)) }
        #expect(listens(four) && !listens(six) && !listens("") && !listens("  sl  local_address rem_address   st"))
        #expect(!listens(four.replacing(" 0A ", with: " 01 0A ")))
        #expect(socket(four.replacing("12345", with: "0")) == nil, "TIME_WAIT: no process has it open")
        #expect(socket("  sl  local_address rem_address   st tx_queue") == nil && socket("") == nil)
    }
}
