import Foundation

/// The servers under test: the one on PATH, and those that `make engines` fetched.
enum Engines {
    static var all: [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build-engines").path
        let fetched = ["redis-6.2/redis-server", "redis-8.2/redis-server", "valkey-9.1/valkey-server"]
        return ["redis-server"] + fetched.map { "\(root)/\($0)" }.filter(FileManager.default.isExecutableFile)
    }
}
