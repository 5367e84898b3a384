import ClusterModel
import Glibc
import NodeFiles
import Planner
import ProcessSupervision
import RedisClient

extension HostReading {
    /// This host as it is now (proc(5), sysfs(5), cgroups(7)).
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
        host.certificates = certificates(spec)
        return host
    }

    private static func certificates(_ spec: ClusterSpec) -> [CertificateReading] {
        let all = ([nil] + spec.overrides.keys.sorted().map(Optional.some)).compactMap { spec.certificates(for: $0) }
        var paths: [String] = []
        for path in all.flatMap({ [$0.certificate, $0.clientCertificate, $0.authorityFile].compactMap { $0 } })
        where !paths.contains(path) { paths.append(path) }
        let broken = all.flatMap { CertificateFiles.complaints($0) }.map(\.description)
        var troubles: [String] = []
        for trouble in broken where !troubles.contains(trouble) { troubles.append(trouble) }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return troubles.map { CertificateReading(path: "", trouble: $0) }
            + paths.compactMap { path in
                guard let end = try? CertificateFiles.end(of: path) else { return nil }
                // Whole days, and none of one that has begun to be over.
                let left = Double(end - Int64(now.tv_sec)) / 86400
                return CertificateReading(path: path, daysLeft: Int(left.rounded(.down)))
            }
    }

    private static func words(_ path: String) -> [String] {
        HostFile.text(path)?.split { $0 == "\t" || $0 == " " || $0 == "\n" }.map(String.init) ?? []
    }

    private static func number(_ path: String) -> Int? { words(path).first.flatMap { Int($0) } }

    private static var memoryOfHost: Int64? {
        HostFile.text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
            .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int64($0) }.map { $0 << 10 }
    }

    /// The smallest `memory.max` from our own group up to the root.
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
