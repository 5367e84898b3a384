import ClusterModel
import Glibc
import Testing

@testable import ProcessSupervision

/// Files of cgroup v2, and the ownership of a cgroup.
@Suite struct CgroupTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        arguments: [
            ("0::/system.slice/clusterd.service\n", "/system.slice/clusterd.service"),
            ("4:memory:/x\n1:name=systemd:/y\n0::/\n", "/"), ("4:memory:/x\n", nil), ("", nil), ("0::\n", nil),
            ("0::/a:b\n", "/a:b"),
        ] as [(String, String?)])
    func theCgroupNameIsReadFromProc(text: String, name: String?) { #expect(Cgroup.name(bytes(text)) == name) }

    private static let hybrid = """
        31 24 0:27 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
        32 31 0:28 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
        """
    private static let inside = """
        30 23 0:26 /machine/a /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate
        52 30 0:26 /machine/a/c.service /sys/fs/cgroup/c.service rw,relatime - cgroup2 cgroup rw
        """

    @Test(
        arguments: [
            ("/", hybrid, "/sys/fs/cgroup/unified"), ("/a/b", hybrid, "/sys/fs/cgroup/unified/a/b"),
            ("/machine/a", inside, "/sys/fs/cgroup"), ("/machine/a/c.service/x", inside, "/sys/fs/cgroup/c.service/x"),
            ("/machine/ab", inside, nil), ("/a", "", nil), ("/a", "1 2 3 - cgroup2", nil),
            ("/a", "- cgroup2 x y z", nil),
        ] as [(String, String, String?)])
    func theCgroupFolderIsFoundAmongTheMounts(name: String, mounts: String, folder: String?) {
        #expect(Cgroup.folder(of: name, bytes(mounts)) == folder)
    }

    @Test func aNamedFieldIsRead() {
        let events = bytes("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
        #expect(Cgroup.field("oom", in: events) == 3 && Cgroup.field("oom_kill", in: events) == 2)
        #expect(Cgroup.field("oom_", in: events) == nil && Cgroup.field("oom", in: bytes("oom\noom x\n")) == nil)
    }

    @Test func parentAndChildPathsAreInverse() {
        let cgroup = Cgroup(name: "/a", folder: "/mnt/a")
        #expect(cgroup.child("b").name == "/a/b" && cgroup.child("b").parent == cgroup)
        #expect(cgroup.parent == Cgroup(name: "/", folder: "/mnt") && cgroup.parent?.parent == nil)
        #expect(cgroup.parent?.child("a") == cgroup && cgroup.lastName == "a")
    }

    private func ownership(_ change: (inout CgroupOwnership) -> Void = { _ in }) -> CgroupOwnership {
        var seen = CgroupOwnership(
            type: "domain", isWritable: true, isMarked: false, isOfUnit: true, owner: 0, ownerAbove: 0, user: 0,
            others: 0,
            strangers: [])
        change(&seen)
        return seen
    }

    @Test func aServiceOwnsItsCgroupOnlyIfSystemdDelegatesIt() {
        #expect(ownership().refusal?.contains("Delegate=") == true)
        #expect(ownership { $0.isMarked = true }.refusal == nil)
        // Nodes of a previous clusterd may still be in it.
        #expect(
            ownership {
                $0.isMarked = true
                $0.others = 6
            }.refusal == nil)
        // systemd before 251 leaves no mark that a user other than root can read; it gives the folder to the user of
        // the service.
        #expect(ownership { ($0.owner, $0.user) = (997, 997) }.refusal == nil)
        // A program in a user's session: all parent cgroups belong to that user too.
        #expect(ownership { ($0.owner, $0.ownerAbove, $0.user) = (1000, 1000, 1000) }.refusal != nil)
    }

    @Test func withoutSystemdACgroupIsOwnedIfItHasNoOtherProcess() {
        let alone = ownership { $0.isOfUnit = false }
        #expect(alone.refusal == nil)
        #expect(
            ownership {
                $0.isOfUnit = false
                $0.others = 1
            }.refusal == "is not used by clusterd alone")
        #expect(
            ownership {
                $0.isOfUnit = false
                $0.strangers = ["app"]
            }.refusal == "is not used by clusterd alone")
    }

    @Test(
        arguments: [
            (nil, true, "is the root cgroup, which cannot be delegated"), ("threaded", true, "is threaded"),
            ("domain invalid", true, "is domain invalid"), ("domain", false, "cannot be divided by this user"),
        ] as [(String?, Bool, String)])
    func aCgroupThatCannotBeDividedIsNotUsed(type: String?, isWritable: Bool, why: String) {
        let seen = ownership {
            $0.type = type
            $0.isWritable = isWritable
            $0.isMarked = true
        }
        #expect(seen.refusal == why)
    }

    @Test func withoutACgroupTheUsageIsReadFromProc() throws {
        let identity = try #require(ProcessTable.identity(of: getpid(), bootID: ProcessTable.bootID()))
        let usage = try #require(NodeUsage.of("7000", identity, in: nil))
        #expect(usage.residentBytes > 1 << 20 && usage.cgroup == nil && usage.memory == nil)
        var other = identity
        other.startTime += 1
        #expect(NodeUsage.of("7000", other, in: nil) == nil)
    }

    // MARK: on this host

    @Test(.enabled(if: OwnCgroup.isAvailable, "no writable cgroup v2 on this host"))
    func aProcessIsInItsCgroupBeforeItRuns() async throws {
        let cgroup = try OwnCgroup()
        let folder = try Folder()
        let procs = open(cgroup.folder + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        defer { close(procs) }
        var order = folder.order("/bin/sh", ["-c", "grep ^0:: /proc/self/cgroup; exec sleep 600"])
        order.cgroup = procs
        let child = try Child(order)
        try await until { try folder.output() == "0::\(cgroup.name)\n" }
        // The shell's own child has written its line, and may not have ended yet.
        try await until { try contents(cgroup.folder + "/cgroup.procs") == "\(child.pid)\n" }
    }
}

/// A cgroup that a test has made below the root, and that is removed with its processes.
final class OwnCgroup: Sendable {
    let name: String
    let folder: String

    static let root: String? = ProcessTable.read("/proc/self/mountinfo").flatMap { Cgroup.folder(of: "/", $0) }
    static var isAvailable: Bool {
        guard let root, isRoot else { return false }
        return access(root + "/cgroup.procs", W_OK) == 0
    }

    init() throws {
        name = "/clusterd-process-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        folder = try #require(Self.root) + name
        try #require(mkdir(folder, 0o755) == 0)
    }
    deinit {
        if let kill = fopen(folder + "/cgroup.kill", "w") {
            fputs("1", kill)
            fclose(kill)
        }
        // Its processes are exiting.
        let limit = ContinuousClock.now + .seconds(5)
        while rmdir(folder) != 0, errno == EBUSY, ContinuousClock.now < limit { sched_yield() }
    }
}
