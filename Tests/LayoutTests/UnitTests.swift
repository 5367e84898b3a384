import Testing

/// The two systemd units are the same text except for the folders.
@Suite struct UnitTests {
    private func settings(_ name: String) -> [String] {
        SourceTree.text("deploy/systemd/\(name)").split(separator: "\n").map(String.init).filter {
            !$0.hasPrefix("#")
        }
    }

    @Test func theTemplateUnitDiffersFromTheUnitOnlyInItsFolders() {
        let unit = settings("clusterd.service")
        let template = settings("clusterd@.service")
        let expected = unit.map { line in
            switch line {
            case "Description=clusterd, supervisor of a Redis Cluster":
                line.replacing("a Redis Cluster", with: "the Redis Cluster %i")
            case "ExecStart=/usr/bin/clusterd run": line + " --config /etc/clusterd/%i/conf.d"
            case let line where line.hasPrefix("ExecStopPost="):
                line.replacing("clusterd run ", with: "clusterd run --config /etc/clusterd/%i/conf.d ")
                    .replacing("/system.slice/", with: "/system.slice/system-clusterd.slice/")
            case "StateDirectory=clusterd", "RuntimeDirectory=clusterd": line + "/%i"
            case let line where line.hasPrefix("ReadWritePaths="):
                line.replacing("/system.slice/", with: "/system.slice/system-clusterd.slice/")
            default: line.replacing("/run/clusterd/", with: "/run/clusterd/%i/")
            }
        }
        #expect(unit.count > 40)
        #expect(template == expected)
    }

    @Test func theTemplateSocketDiffersFromTheSocketOnlyInItsFolder() {
        let unit = settings("clusterd.socket")
        let expected = unit.map { line in
            switch line {
            case let line where line.hasPrefix("Description="): line + " for the Redis Cluster %i"
            case let line where line.hasPrefix("ExecStartPre="): line + " /run/clusterd/%i"
            default: line.replacing("/run/clusterd/", with: "/run/clusterd/%i/")
            }
        }
        #expect(unit.count > 10)
        #expect(settings("clusterd@.socket") == expected)
    }
}
