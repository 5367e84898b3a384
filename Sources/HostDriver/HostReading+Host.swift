import ClusterModel
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

extension HostReading {
    /// The current state of this host (proc(5), sysfs(5), cgroups(7)).
    package static func ofThisHost(_ spec: ClusterSpec, _ program: EngineProgram) -> HostReading {
        var host = HostReading(openFiles: OpenFileLimit.hard)
        host.overcommit = number("/proc/sys/vm/overcommit_memory")
        host.hugePages = HostFile.text("/sys/kernel/mm/transparent_hugepage/enabled")?.split(separator: "[").last
            .flatMap { $0.split(separator: "]").first }.map(String.init)
        host.backlog = number("/proc/sys/net/core/somaxconn")
        host.swappiness = number("/proc/sys/vm/swappiness")
        host.hasSwap = (HostFile.text("/proc/swaps")?.split(separator: "\n").count ?? 0) > 1
        host.clockSource = words("/sys/devices/system/clocksource/clocksource0/current_clocksource").first
        let range = words("/proc/sys/net/ipv4/ip_local_port_range").compactMap { Int($0) }
        if range.count == 2, range[0] <= range[1] { host.ephemeral = range[0]...range[1] }
        host.memoryBytes = [memoryOfHost, memoryOfControlGroup].compactMap { $0 }.min()
        host.disks = NodeFiles.disks(
            of: [spec.dataDirectory] + spec.nodesOwnFolders)
        host.engine = EngineReading(
            path: program.path, engine: program.engine, allocator: program.allocator,
            missingTools: missingTools(program))
        host.certificates = CertificateReading.all(of: spec)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        host.wall = WallTime(milliseconds: Int64(time.tv_sec) * 1000)
        return host
    }

    private static func words(_ path: String) -> [String] {
        HostFile.text(path)?.split { $0 == "\t" || $0 == " " || $0 == "\n" }.map(String.init) ?? []
    }

    private static func number(_ path: String) -> Int? { words(path).first.flatMap { Int($0) } }

    private static var memoryOfHost: Int64? {
        HostFile.text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
            .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int64($0) }.map { $0 << 10 }
    }

    /// The smallest `memory.max` from the cgroup of this process up to the root.
    private static var memoryOfControlGroup: Int64? {
        let line = HostFile.text("/proc/self/cgroup")?.split(separator: "\n").first { $0.hasPrefix("0::") }
        guard var group = line?.dropFirst(3) else { return nil }
        var smallest: Int64?
        while true {
            let limit = words("/sys/fs/cgroup\(group)/memory.max").first.flatMap { Int64($0) }
            smallest = [smallest, limit].compactMap { $0 }.min()
            guard let slash = group.lastIndex(of: "/"), group != "/" else { return smallest }
            group = slash == group.startIndex ? "/" : group[..<slash]
        }
    }

    private static func missingTools(_ program: EngineProgram) -> [String] {
        let path = getenv("PATH").map { String(cString: $0) }
        let prefix = program.engine.name == .valkey ? "valkey" : "redis"
        return ["\(prefix)-cli", "\(prefix)-check-aof", "\(prefix)-check-rdb"].filter {
            CommandSearch.find($0, beside: program.path, path: path) == nil
        }
    }
}
