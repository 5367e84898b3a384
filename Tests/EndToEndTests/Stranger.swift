import Foundation
import ProcessSupervision
import Testing

/// An unmanaged server, on a port of the test's own: for a cluster that a test joins it to.
final class Stranger {
    let port: Int
    private let process = Process()

    init(beside daemon: Daemon, server: String) async throws {
        let port = daemon.base + 8
        self.port = port
        let home = daemon.home + "/guest"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [server, "--port", "\(port)", "--cluster-enabled", "yes", "--dir", home, "--save", ""]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let answers = await eventually { try await Redis.send(port, "PING") == .simple("PONG") }
        #expect(answers)
    }

    /// Killed, and reaped.
    func end() {
        kill(process.processIdentifier, SIGKILL)
        #expect(ProcessWatch.wait(for: process.processIdentifier, limit: .seconds(20)))
    }
}
