import ClusterConfiguration
import ClusterModel
import Testing

/// The sample configuration matches its comments.
@Suite struct SampleTests {
    private func files() -> [SourceFile] { SourceTree.files(in: "conf.d", suffix: ".yaml") }

    private func load(_ change: (String) -> String) throws -> ClusterSpec {
        let files = files().map { ConfigurationFile(name: $0.path, text: Array(change($0.text).utf8)) }
        return try ConfigurationLoader.load(
            files, ConfigurationDefaults(dataDirectory: "/srv/demo"), commandLine: CommandLineSettings()
        ) { _ in "secret" }.spec
    }

    @Test func theSampleConfigurationDescribesSixNodes() throws {
        #expect(files().count == 4)
        let spec = try load { $0 }
        #expect(spec.masters == 3 && spec.replicas == 1 && spec.ports == .from(7000))
    }

    private func loadUncommented() throws -> ClusterSpec {
        try load { text in
            text.split(separator: "\n").map { line in
                guard let match = line.firstMatch(of: #/^( *)# (\s*[a-z"][a-z0-9"-]*:(?: .*)?)$/#) else {
                    return String(line)
                }
                return "\(match.1)\(match.2)"
            }.joined(separator: "\n") + "\n"
        }
    }

    /// Commented lines are valid once they are uncommented.
    @Test func everyCommentedKeyIsValid() throws {
        let spec = try loadUncommented()
        #expect(spec.overrides["7002"] != nil)
        #expect(spec.directives.contains { $0.name == "requirepass" && $0.arguments == ["secret"] })
    }

    /// Each key is in the sample, and on a page that explains it.
    @Test(arguments: ConfigurationKey.all.map(\.path)) func everyKeyIsInTheSampleAndInTheDocuments(key: String) throws {
        let parts = key.split(separator: ".").map(String.init)
        let pattern = try Regex("^ *#? +\(parts[1]):")
        var section = ""
        var isThere = false
        for line in files().flatMap(\.lines) {
            if let match = line.firstMatch(of: #/^(?:# )?([a-z]+):/#) { section = String(match.1) }
            isThere = isThere || (section == parts[0] && line.firstMatch(of: pattern) != nil)
        }
        #expect(isThere, "conf.d has no \(key)")
        let pages = SourceTree.files(in: "docs", suffix: ".md").map(\.text).joined()
        #expect(pages.contains(parts[1]), "no page has \(key)")
    }

    /// Each key that a single node may have is in the sample's example of a node, and on a page that explains it.
    @Test(arguments: NodeConfigurationKey.all)
    func everyKeyOfANodeIsInTheSampleAndInTheDocuments(key: NodeConfigurationKey) throws {
        let spec = try loadUncommented()
        let node = try #require(spec.overrides["7002"])
        #expect(key.text(node) != nil, "conf.d has no \(key.name) for a node")
        let pages = SourceTree.files(in: "docs", suffix: ".md").map(\.text).joined()
        #expect(pages.contains(key.name), "no page has \(key.name)")
    }
}
