import ClusterConfiguration
import ClusterModel
import Testing

/// The limits of the engines, checked before a node starts.
@Suite struct EngineLimitTests {
    private func announce(_ text: String) -> [String] { complaints("cluster: {announce: '\(text)'}") }

    @Test(arguments: [
        "10.0.0.7", "redis", "node-1.example.com", "2001:db8::1", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8",
        "a_b.local", String(repeating: "a", count: 45),
    ])
    func aValidAnnouncedAddressIsAccepted(text: String) {
        #expect(announce(text) == [])
    }

    @Test(arguments: [
        (String(repeating: "a", count: 46), "has 46 characters, but the engine stores at most 45"),
        (String(repeating: "a", count: 70), "has 70 characters"), ("", "it is empty"), ("a b", "neither an IP address"),
        ("10.0.0.1:7000", "without a port"), ("a\"b", "neither an IP address"), ("a@b", "neither an IP address"),
        ("a,b", "neither"), ("10.0.0.300", "is not an IP address"), ("10.0", "is not an IP address"),
        ("0.0.0.0", "of a single host"),
        ("::", "of a single host"), ("224.0.0.1", "of a single host"), ("1::2::3", "neither an IP address"),
        ("-a.b", "neither"),
        ("1:2:3:4:5:6:7:8:9", "neither"), ("*", "neither"), ("a..b", "neither"), ("ff02::1", "of a single host"),
    ])
    func anAddressThatEnginesRejectIsRefused(text: String, words: String) {
        let said = announce(text)
        #expect(said.count == 1 && said[0].hasPrefix("a.yaml:1:") && said[0].contains(words), "\(said)")
    }

    @Test func moreThanSixteenBindAddressesAreRefused() {
        let all = (1...17).map { "127.0.0.\($0)" }.joined(separator: ", ")
        #expect(complaints("cluster: {bind: [\(all)]}").contains { $0.contains("binds at most 16 addresses") })
    }

    @Test func aRelativePathIsRefused() {
        for text in ["loadmodule: ./m.so", "loadmodule: [/a.so, b.so]", "aclfile: users.acl", "tls-dh-params-file: dh"]
        {
            #expect(complaints("redis: {\(text)}").contains { $0.contains("must be absolute") }, "\(text)")
        }
    }

    @Test(arguments: [
        ("/mnt/a", "/mnt/a", "is also the folder of node 7000"),
        ("/mnt/a", "/mnt/a/", "is also the folder of node 7000"),
        ("/mnt/a", "/mnt/b/../a", "is also the folder"), ("/mnt/a", "/mnt//a/b", "is inside the folder of node 7000"),
        ("/mnt/a/b", "/mnt/a", "contains the folder of node 7000"), ("/mnt/a", "/srv/demo", "clusterd's own files"),
        ("/mnt/a", "/srv", "clusterd's own files"), ("/mnt/a", "/srv/demo/nodes/7002", "keeps the other nodes"),
        ("/mnt/a", "/srv/demo/quarantine/x", "the files that it moves away"),
        ("/mnt/a", "/srv/demo/nodes", "keeps the other nodes"),
    ])
    func overlappingNodeFoldersAreRefused(first: String, second: String, words: String) {
        let text = "nodes:\n  \"7000\": {data-dir: \(first)}\n  \"7001\": {data-dir: \(second)}"
        let said = complaints(text)
        #expect(
            said.count == 1 && said[0].hasPrefix("a.yaml:3:22: nodes.7001.data-dir") && said[0].contains(words),
            "\(said)")
    }

    @Test func nodeFoldersBesideEachOtherAreAccepted() {
        let text = "nodes:\n  \"7000\": {data-dir: /mnt/a}\n  \"7001\": {data-dir: /mnt/ab}\n  \"7002\": {data-dir: "
        #expect(complaints(text + "/srv/demo/nodes/7002}") == [])
        #expect(complaints(text + "/srv/demo/ssd}") == [])
        #expect(complaints(text + "\"/srv/a\\nb\"}").contains { $0.contains("absolute path") })
    }

    // MARK: ACL files (measured with redis 6.2, 7.0, 8.2 and valkey 9.1: requirepass has no effect beside one)

    private func list(_ text: String, _ directives: [String: String], login: ClusterSpec.Login? = nil) -> String? {
        var spec = ClusterSpec(name: "a", dataDirectory: "/a")
        spec.directives = directives.sorted { $0.key < $1.key }.map { .init(name: $0.key, arguments: [$0.value]) }
        spec.login = login
        return AccessList(Array(text.utf8)).complaint(spec, file: "/u.acl")
    }

    @Test func aPasswordMustMatchTheACLFile() {
        let same = "user default on >sesame ~* &* +@all\n"
        #expect(list(same, ["requirepass": "sesame"]) == nil)
        #expect(list("user default on #\(String(repeating: "0", count: 64)) +@all\n", ["requirepass": "sesame"]) == nil)
        #expect(list("user a on >b +@all\n", ["requirepass": "sesame"])?.contains("no user 'default'") == true)
        #expect(list("user default on >other +@all\n", ["requirepass": "sesame"])?.contains("another password") == true)
        #expect(list("user default off >sesame\n", ["requirepass": "sesame"])?.contains("or is off") == true)
        #expect(list("user default on nopass\n", ["requirepass": "sesame"])?.contains("needs no password") == true)
        #expect(list("user default on >sesame resetpass\n", ["requirepass": "sesame"])?.contains("another") == true)
    }

    @Test func anACLFileMustLetClusterdLogIn() {
        let both = "user default off\nuser clusterd on >pw +@all\n"
        #expect(list(both, [:])?.contains("clusterd cannot log in") == true)
        #expect(list(both, [:], login: .init(user: "clusterd", password: "pw")) == nil)
        #expect(list(both, [:], login: .init(user: "clusterd", password: "no"))?.contains("engine.auth-pass") == true)
        #expect(list(both, [:], login: .init(user: "other", password: "pw"))?.contains("no user 'other'") == true)
        #expect(list(both, ["masteruser": "clusterd", "masterauth": "pw"]) == nil)
        #expect(list("user a on >b\n", [:]) == nil, "without a line the default user needs no password")
        #expect(list("user default on >x\n", ["masterauth": "x"]) == nil)
    }
}
