import ClusterModel

/// One line of `clusterd doctor`: the state of one subject, and if it is not good, why it matters and what to do.
package struct HostAdvice: Sendable, Equatable {
    package var subject: String
    /// The state, in one phrase.
    package var message: String
    /// nil: no trouble.
    package var trouble: Trouble?

    package struct Trouble: Sendable, Equatable {
        package var why: String
        /// Commands, or lines to change.
        package var remedies: [String]
    }

    package var isGood: Bool { trouble == nil }

    /// `maxclients` where it is not configured, and the engine's own descriptors (CONFIG_MIN_RESERVED_FDS, src/server.h).
    static let usualClients: UInt64 = 10_000
    static let ownDescriptors: UInt64 = 32
    /// `tcp-backlog` where it is not configured (src/config.c).
    static let usualBacklog = 511

    package static func judge(_ host: HostReading, _ spec: ClusterSpec) -> [HostAdvice] {
        [
            engine(host), tools(host), overcommit(host), hugePages(host), swap(host), memory(host, spec),
            memoryMax(spec), backlog(host, spec),
            openFiles(host, spec), clock(host), ports(host, spec), disk(host, spec),
        ].compactMap { $0 } + host.certificates.map { certificate($0, at: host.wall) }
    }

    private static func certificate(_ found: CertificateReading, at wall: WallTime) -> HostAdvice {
        guard let days = found.daysLeft(at: wall) else {
            return HostAdvice(
                "certificates", found.trouble ?? "\(found.path) cannot be used",
                "Nodes do not start without it.", unless: false, "clusterd config check shows the line")
        }
        return HostAdvice(
            "certificates",
            days < 0
                ? "the certificate \(found.path) expired \(-days) \(days == -1 ? "day" : "days") ago"
                : "the certificate \(found.path) is valid for \(days) more \(days == 1 ? "day" : "days")",
            "Once it has expired, nodes and clients reject each other.", unless: days >= CertificateReading.notice,
            "replace it with a newer one, then: clusterd reload")
    }

    private init(_ subject: String, _ message: String, _ why: String, unless isGood: Bool, _ remedies: String...) {
        self.subject = subject
        self.message = message
        trouble = isGood ? nil : Trouble(why: why, remedies: remedies)
    }

    private static func engine(_ host: HostReading) -> HostAdvice? {
        guard let found = host.engine else { return nil }
        let allocator = found.allocator.map { ", allocator \($0)" } ?? ""
        return HostAdvice(
            "engine", "\(found.path) is \(found.engine)\(allocator)",
            "With the libc allocator, a node's memory fragments and activedefrag has no effect.",
            unless: found.allocator?.hasPrefix("jemalloc") != false,
            "use a server that is built with jemalloc (make MALLOC=jemalloc)")
    }

    private static func tools(_ host: HostReading) -> HostAdvice? {
        guard let found = host.engine else { return nil }
        let package = found.engine.name == .valkey ? "valkey-tools" : "redis-tools"
        return HostAdvice(
            "engine-tools",
            found.missingTools.isEmpty
                ? "the engine's tools are installed"
                : "no \(found.missingTools.joined(separator: ", ")) next to the engine or on PATH",
            "clusterd shell starts the engine's client; the engine's checkers verify append-only files and dumps.",
            unless: found.missingTools.isEmpty, "sudo apt-get install \(package)")
    }

    private static func overcommit(_ host: HostReading) -> HostAdvice? {
        guard let value = host.overcommit else { return nil }
        return HostAdvice(
            "overcommit", "vm.overcommit_memory is \(value)",
            "A save forks the node; unless this is 1, the kernel may refuse the fork for lack of memory that is never used.",
            unless: value == 1, "sudo sysctl -w vm.overcommit_memory=1",
            "echo vm.overcommit_memory=1 | sudo tee -a /etc/sysctl.d/90-clusterd.conf")
    }

    private static func hugePages(_ host: HostReading) -> HostAdvice? {
        guard let pages = host.hugePages else { return nil }
        return HostAdvice(
            "huge-pages", "transparent huge pages are '\(pages)'",
            "During a save, each small write then copies 2 MB: saves slow down and memory use grows.",
            unless: pages != "always", "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
    }

    private static func swap(_ host: HostReading) -> HostAdvice? {
        guard host.hasSwap, let swappiness = host.swappiness else {
            return HostAdvice("swap", "there is no swap", "", unless: true)
        }
        return HostAdvice(
            "swap", "vm.swappiness is \(swappiness), with swap on",
            "A node that is swapped out answers late, and its peers consider it failed.",
            unless: swappiness <= 10, "sudo sysctl -w vm.swappiness=1",
            "echo vm.swappiness=1 | sudo tee -a /etc/sysctl.d/90-clusterd.conf")
    }

    private static func backlog(_ host: HostReading, _ spec: ClusterSpec) -> HostAdvice? {
        guard let value = host.backlog else { return nil }
        let wanted = number("tcp-backlog", spec) ?? usualBacklog
        return HostAdvice(
            "somaxconn", "net.core.somaxconn is \(value), tcp-backlog is \(wanted)",
            "The smaller of the two applies: when many clients connect at once, the kernel rejects the rest.",
            unless: value >= wanted, "sudo sysctl -w net.core.somaxconn=\(wanted)",
            "echo net.core.somaxconn=\(wanted) | sudo tee -a /etc/sysctl.d/90-clusterd.conf")
    }

    private static func openFiles(_ host: HostReading, _ spec: ClusterSpec) -> HostAdvice? {
        let clients = number("maxclients", spec).map { UInt64(max(0, $0)) } ?? usualClients
        let (wanted, overflow) = clients.addingReportingOverflow(ownDescriptors)
        return HostAdvice(
            "open-files", "\(host.openFiles) open files are allowed, maxclients is \(clients)",
            "A node needs \(wanted) for that many clients; with fewer, it silently accepts fewer clients.",
            unless: !overflow && host.openFiles >= wanted,
            "LimitNOFILE=\(wanted) in the unit, or ulimit -n \(wanted) before clusterd up")
    }

    private static func clock(_ host: HostReading) -> HostAdvice? {
        guard let source = host.clockSource else { return nil }
        return HostAdvice(
            "clock", "the kernel's clock source is \(source)",
            "Each read of this clock is a system call, and a node reads it for each command.",
            unless: !["xen", "hpet", "acpi_pm"].contains(source),
            "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource")
    }

    private static func ports(_ host: HostReading, _ spec: ClusterSpec) -> HostAdvice? {
        guard let range = host.ephemeral else { return nil }
        let clients: [Int] =
            switch spec.ports {
            case .from(let first): Array(first..<(first + spec.nodeCount))
            case .list(let ports): ports
            case .range(let ports): Array(ports)
            }
        let inside = clients.flatMap { [$0, $0 + 10000] }.filter(range.contains).sorted()
        let which =
            inside.first.map { "\($0)" + (inside.count > 1 ? " and \(inside.count - 1) more" : "") } ?? "no node port"
        return HostAdvice(
            "ephemeral-ports",
            "outgoing connections get ports \(range.lowerBound)-\(range.upperBound), \(which) among them",
            "While a node is down, the kernel may assign its port or its bus port (port + 10000) to another program.",
            unless: inside.isEmpty, "cluster.ports below \(range.lowerBound - 10000) in the configuration",
            "sudo sysctl -w net.ipv4.ip_local_reserved_ports=\(reserved(inside))")
    }

    /// `7000-7005,17000`, as ip_local_reserved_ports is written.
    private static func reserved(_ ports: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for port in ports {
            if let last = ranges.last, last.upperBound + 1 == port {
                ranges[ranges.count - 1] = last.lowerBound...port
            } else {
                ranges.append(port...port)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
            separator: ",")
    }

    private static func disk(_ host: HostReading, _ spec: ClusterSpec) -> HostAdvice? {
        // The disk that is shortest of what it needs; the data folder's if none is.
        let short = host.disks.first(where: spec.isLow)
        guard
            let disk = short ?? host.disks.first(where: { $0.free < spec.bytesForReserve(on: $0) }) ?? host.disks.first
        else { return nil }
        if disk.lacksFiles {
            return HostAdvice(
                "disk", disk.shortage, "Below \(Disk.filesNeeded) inodes, clusterd starts nothing.", unless: false,
                "remove files on that disk (df -i), or put cluster.data-dir elsewhere")
        }
        return HostAdvice(
            "disk", "\(Disk.text(disk.free)) are free in \(disk.folder)",
            "Below \(Disk.text(spec.bytesNeeded(on: disk))) (cluster.min-free), clusterd starts nothing, and below "
                + "\(Disk.text(spec.bytesForReserve(on: disk))) it makes no reserve that lets a replica take over on a full disk.",
            unless: disk.free >= spec.bytesForReserve(on: disk),
            "make room on that disk, or put cluster.data-dir elsewhere")
    }

    private static func memory(_ host: HostReading, _ spec: ClusterSpec) -> HostAdvice? {
        guard let memory = host.memoryBytes else { return nil }
        guard let all = Limits(spec) else {
            return HostAdvice(
                "memory", "not every node has a maxmemory",
                "Under load, the kernel kills a node when memory runs out, instead of the node rejecting writes.",
                unless: false,
                "redis: {maxmemory: \(share(memory, spec)), maxmemory-policy: noeviction} in the configuration")
        }
        return HostAdvice(
            "memory", "\(spec.nodeCount) nodes may use \(all.sum >> 20) MB of \(memory >> 20) MB of memory",
            "Saves and buffers need memory besides the data: keep a fifth free.",
            unless: all.sum <= memory / 10 * 8, "redis: {maxmemory: \(share(memory, spec))} in the configuration")
    }

    /// A node whose engine may use memory up to the limit at which the kernel kills it.
    private static func memoryMax(_ spec: ClusterSpec) -> HostAdvice? {
        let usual = Limits.bytes(spec.directives)
        let each =
            [(spec.memoryMax, usual)]
            + spec.overrides.keys.sorted().map { name in
                (spec.memoryMax(of: name), Limits.bytes(spec.overrides[name]?.directives ?? []) ?? usual)
            }
        let limited = each.compactMap { most, used in most.flatMap { $0 > 0 ? ($0, used ?? 0) : nil } }
        guard let tightest = limited.max(by: { share($0) < share($1) }) else { return nil }
        let used = tightest.1 > 0 ? Disk.text(tightest.1) : "without a limit"
        return HostAdvice(
            "memory-max", "memory-max is \(Disk.text(tightest.0)), maxmemory is \(used)",
            "The kernel kills a node at memory-max; saves, replicas and clients need memory besides the data: keep a third free.",
            unless: share(tightest) <= 0.67,
            "redis: {maxmemory: \(max(1, (tightest.0 / 3 * 2) >> 20))mb} in the configuration")
    }

    /// The share of its limit that the engine itself may use.
    private static func share(_ node: (most: Int64, used: Int64)) -> Double {
        node.used > 0 ? Double(node.used) / Double(node.most) : .infinity
    }

    private static func share(_ memory: Int64, _ spec: ClusterSpec) -> String {
        "\(max(1, (memory / 10 * 8 / Int64(max(1, spec.nodeCount))) >> 20))mb"
    }

    /// The memory that all nodes together may use, including those with a limit of their own; nil if one node has no limit.
    private struct Limits {
        var sum: Int64 = 0

        init?(_ spec: ClusterSpec) {
            let usual = Self.bytes(spec.directives)
            let own = spec.overrides.keys.sorted().map { Self.bytes(spec.overrides[$0]?.directives ?? []) ?? usual }
            let each = own.prefix(spec.nodeCount) + Array(repeating: usual, count: max(0, spec.nodeCount - own.count))
            for limit in each {
                guard let limit, limit > 0 else { return nil }
                sum = sum.addingReportingOverflow(limit).overflow ? .max : sum + limit
            }
        }

        static func bytes(_ directives: [ClusterSpec.Directive]) -> Int64? {
            directives.last { $0.name == "maxmemory" }?.arguments.first.flatMap { SettingValue.bytes($0) }
        }
    }

    private static func number(_ name: String, _ spec: ClusterSpec) -> Int? {
        spec.directives.last { $0.name == name }?.arguments.first.flatMap { Int($0) }
    }
}
