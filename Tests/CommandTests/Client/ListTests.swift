import ControlAPI
import ProcessSupervision
import Testing

@testable import clusterd

/// The clusters of a host, and the one that a name selects.
@Suite struct ListTests {
    private static func cluster(
        _ name: String?, _ daemon: ClusterListing.Daemon = .answers, dir: String? = nil, pid: Int32? = nil,
        user: String = "alice", ports: [Int] = []
    ) -> ClusterListing {
        var listing = ClusterListing(daemon: daemon)
        listing.name = name
        listing.dir = dir ?? name.map { "/srv/\($0)" }
        listing.socket = listing.dir.map { "\($0)/control.sock" }
        listing.pid = pid
        listing.user = user
        listing.ports = ports
        if daemon == .answers { (listing.state, listing.phase) = (.ok, .ready) }
        return listing
    }

    private func failure(_ clusters: [ClusterListing], _ name: String) -> ControlError? {
        #expect(throws: ControlError.self) { try clusters.socket(ofClusterNamed: name) }
    }

    @Test func aNameSelectsTheOnlyClusterThatHasIt() throws {
        let clusters = [Self.cluster("demo"), Self.cluster("shop", .silent), Self.cluster("demon")]
        #expect(try clusters.socket(ofClusterNamed: "demo") == "/srv/demo/control.sock")
        // The command itself will report that no daemon responds.
        #expect(try clusters.socket(ofClusterNamed: "shop") == "/srv/shop/control.sock")
    }

    @Test func anAmbiguousNameIsRefusedWithAList() {
        let clusters = [Self.cluster("demo", dir: "/a", pid: 1), Self.cluster("demo", dir: "/b", pid: 2)]
        let error = failure(clusters, "demo")
        #expect(error?.exit == 64 && error?.message.contains("/a (pid 1), /b (pid 2)") == true)
    }

    @Test func anUnknownNameIsRefusedWithTheExistingNames() {
        let clusters = [Self.cluster("shop"), Self.cluster("demo"), Self.cluster("evil", .foreign)]
        let error = failure(clusters, "dmo")
        #expect(error?.exit == 3 && error?.message == "no cluster named 'dmo' runs here; there are demo, shop")
        #expect(error?.hint == "clusterd list")
        #expect(failure([Self.cluster(nil, .hidden)], "dmo")?.hint?.contains("sudo clusterd list") == true)
        #expect(failure([], "dmo")?.exit == 3)
    }

    /// Any user can start a program that calls itself clusterd, with any cluster name.
    @Test func aNameNeverSelectsAnotherUsersDaemon() throws {
        let evil = Self.cluster("demo", .foreign, dir: "/tmp/evil", user: "mallory")
        #expect(try [evil, Self.cluster("demo")].socket(ofClusterNamed: "demo") == "/srv/demo/control.sock")
        let error = failure([evil], "demo")
        #expect(error?.exit == 77 && error?.message.contains("mallory") == true)
        #expect(error?.hint?.contains("--socket /tmp/evil/control.sock") == true)
    }

    @Test func aClusterWithoutADaemonHasAHintHowToAdoptIt() {
        var left = Self.cluster("demo", .missing)
        (left.reason, left.hint) = ("its nodes run", "clusterd up --dir /srv/demo")
        let error = failure([left], "demo")
        #expect(error?.exit == 3 && error?.hint == "clusterd up --dir /srv/demo")
    }

    @Test(
        arguments: [
            ("/run/clusterd/control.sock", "/run/clusterd"), ("/run/clusterd/shop/control.sock", "/run/clusterd/shop"),
            ("/run/clusterd/../../tmp/control.sock", nil), ("/run/clusterd/../evil/control.sock", nil),
            ("/run/clusterd//control.sock", nil), ("/run/clusterd/./control.sock", nil),
            ("/run/clusterd/a/b/control.sock", nil),
            ("/run/clusterd-evil/control.sock", nil), ("/run/clusterd/other.sock", nil),
            ("run/clusterd/control.sock", nil),
            ("/tmp/run/clusterd/control.sock", nil), ("/run/clusterd", nil), ("", nil),
        ] as [(String, String?)])
    func onlyASocketInTheServiceFolderBelongsToTheService(path: String, folder: String?) {
        #expect(TrustedOwners.folder(ofServiceSocket: path) == folder)
    }

    @Test(arguments: [
        ([], "-"), ([7000], "7000"), ([7001, 7000], "7000 7001"), ([7000, 7001, 7002, 7010], "7000-7002 7010"),
    ])
    func portsAreShownAsRanges(ports: [Int], text: String) { #expect(PortRanges.text(ports) == text) }

    @Test func theTableShowsTheKnownStateAndWhyTheRestIsUnknown() {
        var down = Self.cluster("shop", dir: "/srv/shop", pid: 812, ports: [7100, 7101, 7102])
        (down.state, down.user) = (.down, "shop")
        var hidden = Self.cluster(nil, .hidden, pid: 77, user: "bob")
        (hidden.reason, hidden.hint) = ("you may not inspect clusterd of user bob (pid 77)", "sudo clusterd list")
        var evil = Self.cluster("de\u{1B}[2Jmo", .foreign, dir: "/tmp/x", pid: 9, user: "mallory")
        evil.reason = "not asked"
        let clusters = [Self.cluster("demo", pid: 4100, ports: Array(7000...7005)), down, evil, hidden]
        #expect(
            ListTable(clusters, color: false).text == """
                NAME       STATE          PORTS      PID   USER     FOLDER
                demo       ok             7000-7005  4100  alice    /srv/demo
                shop       down           7100-7102  812   shop     /srv/shop
                de^[[2Jmo  not asked      -          9     mallory  /tmp/x
                ?          no permission  -          77    bob      ?

                not asked
                you may not inspect clusterd of user bob (pid 77) (sudo clusterd list)
                """)
        let colored = ListTable(clusters, color: true).text
        #expect(colored.contains("demo       \u{1B}[32mok\u{1B}[0m ") && colored.contains("\u{1B}[31mdown\u{1B}[0m "))
    }

    @Test func aDaemonWithADeletedFolderIsDistinguishedFromItsSuccessor() {
        typealias Place = ProcessTable.OpenPath.Place
        func isOrphan(_ lock: Place?, _ socket: Place?, asked: Int32? = nil) -> Bool {
            RunningClusters.isOrphan(lock: lock, socket: socket, asked: asked, pid: 812)
        }
        #expect(isOrphan(.gone, nil) && isOrphan(.gone, .gone) && !isOrphan(.gone, .elsewhere))
        #expect(isOrphan(.here, .here, asked: 900) && !isOrphan(.here, .here, asked: 812))
        #expect(!isOrphan(.here, nil) && !isOrphan(.here, .gone) && !isOrphan(nil, .here) && !isOrphan(nil, nil))
        // Only its lock file was deleted: the daemon at its socket is still this one.
        #expect(!isOrphan(.gone, .here, asked: 812))

        let orphan = ClusterListing(orphan: 812, user: "alice", folder: "/srv/demo", ports: [7000, 7001])
        #expect(orphan.hint?.contains("redis-cli -p 7000 --rdb") == true && orphan.hint?.hasSuffix("kill 812") == true)
        let table = ListTable([Self.cluster("demo", pid: 900), orphan], color: false).text.split(separator: "\n")
        #expect(table[2].contains("no folder") && table[2].hasSuffix("/srv/demo (deleted)"), "\(table)")
        // It takes no name from the cluster in its place.
        #expect((try? [Self.cluster("demo"), orphan].socket(ofClusterNamed: "demo")) == "/srv/demo/control.sock")
    }

    /// A query would make the socket unit start the service.
    @Test func aServiceIsQueriedOnlyIfADaemonRuns() {
        func mayAsk(_ socket: String, _ hidden: [String?], seesAll: Bool = true) -> Bool {
            RunningClusters.mayAsk(socket, hidden: hidden, seesAllProcesses: seesAll)
        }
        let (service, blue) = ("/run/clusterd/control.sock", "/run/clusterd/blue/control.sock")
        #expect(!mayAsk(service, []) && !mayAsk(blue, []))
        #expect(mayAsk(service, ["clusterd"]) && !mayAsk(blue, ["clusterd"]))
        #expect(mayAsk(blue, ["clusterd@blue"]) && !mayAsk(service, ["clusterd@blue"]))
        // A daemon that was started in another way may listen anywhere; an invisible one may run.
        #expect(mayAsk(service, [nil]) && mayAsk(service, ["session-3.scope"]))
        #expect(mayAsk(service, [], seesAll: false))
        // A path from the caller's own folder or environment is never a service's.
        #expect(mayAsk("/srv/demo/control.sock", []))
    }
}
