import ControlAPI
import Glibc
import Testing

@testable import ControlServer

/// Which of the descriptors from systemd is the control socket: a pure choice.
@Suite struct OfferedSocketsTests {
    private static let path = "/run/clusterd/control.sock"
    private static let here = FileIdentity(device: 26, inode: 1000)
    private static let elsewhere = FileIdentity(device: 26, inode: 999)

    private func unit(
        _ path: String? = Self.path, _ file: FileIdentity? = Self.here, name: String = "control", descriptor: Int32 = 3,
        isListening: Bool = true
    ) -> OfferedSocket {
        OfferedSocket(descriptor: descriptor, name: name, isListening: isListening, path: path, file: file)
    }

    private func stored(
        _ identity: FileIdentity, path: String = Self.path, _ file: FileIdentity? = Self.here, descriptor: Int32 = 3
    ) -> OfferedSocket {
        OfferedSocket(
            descriptor: descriptor, name: StoredName(identity).text, isListening: true, path: path, file: file)
    }

    private func refusal(_ offers: [OfferedSocket], _ file: FileIdentity? = Self.here) -> ControlError? {
        #expect(throws: ControlError.self) { try OfferedSockets(offers, for: Self.path, file) }
    }

    @Test func withoutAnOfferTheDaemonMakesASocket() throws {
        let sockets = try OfferedSockets([], for: Self.path, Self.here)
        #expect(sockets.control == nil && sockets.leftovers.isEmpty)
    }

    @Test(arguments: ["control", "clusterd.socket", "clusterd@blue.socket", "unknown", ""])
    func theSocketOfASocketUnitIsTakenRegardlessOfItsName(name: String) throws {
        let sockets = try OfferedSockets([unit(name: name)], for: Self.path, Self.here)
        #expect(
            sockets.control
                == InheritedSocket(descriptor: 3, address: Self.path, file: Self.here, isOfUnit: true))
    }

    @Test func aSocketUnderAnotherNameOfTheSameFileIsTaken() throws {
        let offer = unit("/var/run/clusterd/control.sock", name: "clusterd.socket")
        #expect(try OfferedSockets([offer], for: Self.path, Self.here).control?.address == Self.path)
    }

    @Test func anOfferThatIsNoControlSocketIsRefused() {
        let stream = refusal([unit(nil, nil, name: "web", isListening: false)])
        #expect(stream?.message == "systemd hands over 'web', which is not a Unix socket that accepts connections")
        let other = refusal([unit("/run/other.sock", Self.elsewhere)])
        #expect(other?.message == "systemd hands over the socket /run/other.sock, but control.socket is \(Self.path)")
        #expect(other?.hint?.contains("ListenStream=\(Self.path)") == true && other?.exit == ExitCode.configuration)
        let gone = refusal([unit(Self.path, nil)], nil)
        #expect(gone?.message.contains("its file does not exist any more") == true)
        #expect(refusal([unit(), unit(descriptor: 4)])?.message.contains("two sockets") == true)
    }

    @Test func aStoredSocketIsTakenIfItStillHasThePath() throws {
        let sockets = try OfferedSockets([stored(Self.here)], for: Self.path, Self.here)
        #expect(sockets.control == InheritedSocket(descriptor: 3, address: Self.path, file: Self.here))
        #expect(sockets.leftovers.isEmpty)
    }

    /// Its file was removed, or control.socket is another file now.
    @Test(arguments: [nil, FileIdentity(device: 26, inode: 1000)])
    func aStoredSocketWithAnotherFileIsALeftover(file: FileIdentity?) throws {
        let sockets = try OfferedSockets(
            [stored(Self.elsewhere, path: "/run/old.sock", Self.elsewhere)], for: Self.path, file)
        #expect(sockets.control == nil)
        #expect(sockets.leftovers.map(\.name) == ["control-1a-3e7"])
        #expect(
            sockets.leftovers.map(\.socket)
                == [InheritedSocket(descriptor: 3, address: "/run/old.sock", file: Self.elsewhere)])
    }

    @Test func aSocketUnitTakesPrecedenceOverAStoredSocket() throws {
        let sockets = try OfferedSockets(
            [stored(Self.elsewhere, descriptor: 4), unit()], for: Self.path, Self.here)
        #expect(sockets.control?.isOfUnit == true && sockets.leftovers.map(\.socket.descriptor) == [4])
    }

    @Test func aSecondStoredSocketIsALeftover() throws {
        let sockets = try OfferedSockets(
            [stored(Self.elsewhere), stored(Self.here, descriptor: 4)], for: Self.path, Self.here)
        #expect(sockets.control?.descriptor == 4 && sockets.leftovers.map(\.socket.descriptor) == [3])
    }

    @Test func theStoredNameSurvivesARoundTrip() {
        let name = StoredName(FileIdentity(device: .max, inode: 0))
        #expect(name.text == "control-ffffffffffffffff-0" && StoredName(name.text) == name)
        // systemd accepts no colon, no unprintable characters, and at most 255 bytes (sd_notify(3)).
        #expect(name.text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") })
        for text in ["control", "control-1", "control-1-g", "control-1-2-3", "contro-1-2", ""] {
            #expect(StoredName(text) == nil)
        }
    }
}
