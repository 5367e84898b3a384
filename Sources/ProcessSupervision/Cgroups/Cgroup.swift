import ClusterModel
import Glibc

/// One cgroup of version 2: a folder and its files (Documentation/admin-guide/cgroup-v2.rst).
package struct Cgroup: Hashable, Sendable {
    /// The name in /proc/PID/cgroup: `/system.slice/clusterd.service`.
    package let name: String
    /// Its path in the file system.
    package let folder: String

    init(name: String, folder: String) {
        self.name = name
        self.folder = folder
    }

    /// The cgroup of this process; nil without cgroup v2.
    static func ofThisProcess() -> Cgroup? {
        guard let name = name(ofProcess: "self"), let mounts = ProcessTable.read("/proc/self/mountinfo"),
            let folder = folder(of: name, mounts)
        else { return nil }
        return Cgroup(name: name, folder: folder)
    }

    /// nil if there is no such process, or no cgroup v2.
    static func name(ofProcess pid: String) -> String? { ProcessTable.read("/proc/\(pid)/cgroup").flatMap(name) }

    /// Parses the lines of cgroups(7), ignoring those of version 1: `0::/system.slice/clusterd.service`.
    static func name(_ membership: [UInt8]) -> String? {
        membership.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix("0::/") }
            .map { String($0.dropFirst(3)) }
    }

    /// Finds the folder from /proc/self/mountinfo (proc(5)), below a mount of version 2 that contains the cgroup.
    static func folder(of name: String, _ mounts: [UInt8]) -> String? {
        for line in mounts.split(separator: 10) {
            // `41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw`
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard let dash = fields.firstIndex(of: "-"), dash > 4, dash + 1 < fields.count,
                fields[dash + 1] == "cgroup2"
            else { continue }
            let (root, place) = (fields[3], fields[4])
            if root == "/" { return name == "/" ? place : place + name }
            if name == root { return place }
            if name.hasPrefix(root + "/") { return place + name.dropFirst(root.count) }
        }
        return nil
    }

    func child(_ last: String) -> Cgroup {
        Cgroup(name: name == "/" ? "/\(last)" : "\(name)/\(last)", folder: "\(folder)/\(last)")
    }
    var parent: Cgroup? {
        guard name != "/", let last = name.lastIndex(of: "/"), let end = folder.lastIndex(of: "/") else { return nil }
        return Cgroup(name: last == name.startIndex ? "/" : String(name[..<last]), folder: String(folder[..<end]))
    }
    var lastName: String { name.split(separator: "/").last.map(String.init) ?? "" }

    // MARK: reading

    var processes: [pid_t] { words("cgroup.procs").compactMap { pid_t($0) } }
    /// The names of the child cgroups, without the path. Each folder in a cgroup is one.
    var children: [String] {
        ProcessTable.names(in: folder).filter { access("\(folder)/\($0)/cgroup.procs", F_OK) == 0 }.sorted()
    }
    func words(_ file: String) -> [String] {
        (ProcessTable.read("\(folder)/\(file)") ?? []).split { $0 == 10 || $0 == 32 }.map {
            String(decoding: $0, as: UTF8.self)
        }
    }
    func field(_ name: String, of file: String) -> Int64? {
        ProcessTable.read("\(folder)/\(file)").flatMap { Self.field(name, in: $0) }
    }

    /// The value of the line `name 12`.
    static func field(_ name: String, in text: [UInt8]) -> Int64? {
        for line in text.split(separator: 10) {
            let words = line.split(separator: 32)
            if words.count == 2, words[0].elementsEqual(name.utf8) {
                return Int64(String(decoding: words[1], as: UTF8.self))
            }
        }
        return nil
    }

    /// Available without a controller too.
    var cpu: Duration? { field("usage_usec", of: "cpu.stat").map { .microseconds($0) } }
    /// The memory of its processes, including forked ones, each page counted once.
    var residentBytes: Int64? {
        guard let text = ProcessTable.read("\(folder)/memory.stat"), let own = Self.field("anon", in: text) else {
            return nil
        }
        return own + (Self.field("file_mapped", in: text) ?? 0)
    }
    /// The memory that the kernel can only reclaim by swapping.
    var ownBytes: Int64? { field("anon", of: "memory.stat") }
    var memory: NodeUsage.MemoryControl? {
        words("memory.max").first.map { NodeUsage.MemoryControl(limit: Int64($0)) }
    }
    var memoryEvents: MemoryEvents? {
        guard let text = ProcessTable.read("\(folder)/memory.events"), let killed = Self.field("oom_kill", in: text)
        else { return nil }
        return MemoryEvents(exhausted: Self.field("oom", in: text) ?? 0, killed: killed)
    }

    // MARK: writing

    /// Returns 0, or an errno.
    func write(_ text: String, to file: String) -> Int32 {
        let descriptor = open("\(folder)/\(file)", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        while Glibc.write(descriptor, text, text.utf8.count) < 0 {
            guard errno == EINTR else { return errno }
        }
        return 0
    }

    /// Returns 0 if the cgroup exists or was created, or an errno.
    func make() -> Int32 { mkdir(folder, 0o755) == 0 || errno == EEXIST ? 0 : errno }
    /// Returns false while it contains a process.
    @discardableResult
    func remove() -> Bool { rmdir(folder) == 0 || errno == ENOENT }
}
