import ClusterModel
import Testing

@testable import clusterd

/// How commands in hints name the daemon.
@Suite struct ReachTests {
    @Test func theDirOptionQuotesAFolderWithASpace() {
        #expect(Reach.option(for: ClusterSpec(name: "a", dataDirectory: "/my data/x")) == " --dir '/my data/x'")
        #expect(Reach.option(for: ClusterSpec(name: "a", dataDirectory: "/data")) == " --dir /data")
    }

    @Test func theSocketOptionQuotesAPathWithASpace() {
        var spec = ClusterSpec(name: "a", dataDirectory: "/data")
        spec.control.socket = "/run/my cluster/sock"
        #expect(Reach.option(for: spec) == " --socket '/run/my cluster/sock'")
    }
}
