import Foundation

/// The client of the engine, as the judge of a cluster.
enum RedisCLI {
    /// Whether `redis-cli --cluster check` finds nothing.
    static func agrees(_ port: Int) throws -> Bool {
        let cli = Process()
        let output = Pipe()
        cli.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        cli.arguments = ["redis-cli", "--cluster", "check", "127.0.0.1:\(port)"]
        cli.standardOutput = output
        cli.standardError = FileHandle.nullDevice
        cli.standardInput = FileHandle.nullDevice
        try cli.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        cli.waitUntilExit()
        return cli.terminationStatus == 0 && text.contains("[OK] All 16384 slots covered.")
            && text.contains("[OK] All nodes agree about slots configuration.") && !text.contains("[WARNING]")
    }
}
