import Foundation
import ProcessSupervision
import Testing

/// An unmanaged server without cluster mode, on a port of the test's own: the source of an import.
final class Standalone {
    let port: Int
    private let process = Process()

    init(beside daemon: Daemon, _ options: [String] = []) async throws {
        let port = daemon.base + 8
        self.port = port
        let home = daemon.home + "/standalone"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["redis-server", "--port", "\(port)", "--dir", home, "--save", "", "--repl-diskless-sync-delay", "0"]
            + options
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let answers = await eventually {
            try await Redis.send(port, "PING").errorText?.hasPrefix("LOADING") != true
        }
        #expect(answers)
    }

    var address: String { "redis://127.0.0.1:\(port)" }

    /// Killed, and reaped.
    func end() {
        kill(process.processIdentifier, SIGKILL)
        #expect(ProcessWatch.wait(for: process.processIdentifier, limit: .seconds(20)))
    }
}
