import ClusterModel

/// What clusterd reads of the host before it is judged. nil: it cannot be read here.
package struct HostReading: Sendable, Equatable {
    package var overcommit: Int?
    package var hugePages: String?
    package var backlog: Int?
    package var openFiles: UInt64
    package var swappiness: Int?
    package var hasSwap = false
    /// The ports that the kernel gives to outgoing connections.
    package var ephemeral: ClosedRange<Int>?
    package var memoryBytes: Int64?
    package var freeBytes: Int64?

    package init(openFiles: UInt64) { self.openFiles = openFiles }
}

/// One line of `clusterd doctor`: how it is, why it matters, and what to do.
package struct HostAdvice: Sendable, Equatable {
    package var subject: String
    package var isGood: Bool
    package var text: String
    package var remedy: String?

    package init(subject: String, isGood: Bool, text: String, remedy: String? = nil) {
        self.subject = subject
        self.isGood = isGood
        self.text = text
        self.remedy = remedy
    }

    /// `maxclients` 10000 and the engine's own 32 (src/server.h).
    static let openFilesWanted: UInt64 = 10_032
    static let backlogWanted = 511

    package static func judge(_ host: HostReading, _ spec: ClusterSpec) -> [HostAdvice] {
        var found: [HostAdvice] = []
        func say(_ subject: String, _ isGood: Bool, _ text: String, _ remedy: String? = nil) {
            found.append(HostAdvice(subject: subject, isGood: isGood, text: text, remedy: isGood ? nil : remedy))
        }
        if let overcommit = host.overcommit {
            say(
                "overcommit", overcommit == 1,
                "vm.overcommit_memory is \(overcommit); unless it is 1, a save may fail for want of memory that is not needed",
                "sysctl -w vm.overcommit_memory=1, and the same line in /etc/sysctl.d/")
        }
        if let pages = host.hugePages {
            say(
                "huge-pages", pages != "always",
                "transparent huge pages are '\(pages)'; 'always' makes saves slow and large",
                "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
        }
        if let backlog = host.backlog {
            say(
                "somaxconn", backlog >= backlogWanted,
                "net.core.somaxconn is \(backlog); the engine asks for \(backlogWanted), or many clients at once are refused",
                "sysctl -w net.core.somaxconn=\(backlogWanted)")
        }
        say(
            "open-files", host.openFiles >= openFilesWanted,
            "\(host.openFiles) open files are allowed; 10000 clients of one node need \(openFilesWanted)",
            "ulimit -n \(openFilesWanted), or LimitNOFILE= in the unit")
        if host.hasSwap, let swappiness = host.swappiness {
            say(
                "swap", swappiness <= 10,
                "vm.swappiness is \(swappiness), with swap on; a node that is swapped out answers late and is taken for dead",
                "sysctl -w vm.swappiness=1")
        }
        if let range = host.ephemeral { ports(range, spec, say) }
        if let memory = host.memoryBytes { limits(memory, spec, say) }
        if let free = host.freeBytes {
            say(
                "disk", free >= spec.minimumFreeBytes,
                "\(free >> 20) MB are free at \(spec.dataDirectory); below \(spec.minimumFreeBytes >> 20) MB nothing is started",
                "make room on that disk")
        }
        return found
    }

    private static func ports(
        _ range: ClosedRange<Int>, _ spec: ClusterSpec, _ say: (String, Bool, String, String?) -> Void
    ) {
        let clients: [Int] =
            switch spec.ports {
            case .from(let first): Array(first..<(first + spec.nodeCount))
            case .list(let ports): ports
            case .range(let ports): Array(ports)
            }
        let inside = clients.flatMap { [$0, $0 + 10000] }.filter(range.contains).sorted()
        let which = inside.first.map { "\($0) and \(inside.count - 1) more" } ?? "none of ours"
        say(
            "ephemeral-ports", inside.isEmpty,
            "outgoing connections get ports \(range.lowerBound)-\(range.upperBound), \(which) among them; while a node is down another "
                + "program may be given its port",
            "choose cluster.ports below \(range.lowerBound - 10000)")
    }

    private static func limits(
        _ memory: Int64, _ spec: ClusterSpec, _ say: (String, Bool, String, String?) -> Void
    ) {
        guard let text = spec.directives.last(where: { $0.name == "maxmemory" })?.arguments.first,
            let each = SettingValue.bytes(text), each > 0
        else {
            return say(
                "memory", false, "no maxmemory is set: under load the kernel may kill a node for want of memory",
                "set redis.maxmemory in the configuration")
        }
        let (sum, overflow) = each.multipliedReportingOverflow(by: Int64(spec.nodeCount))
        say(
            "memory", !overflow && sum <= memory / 10 * 8,
            "\(spec.nodeCount) nodes of maxmemory \(text) on \(memory >> 20) MB of memory; saves and buffers need room beside them",
            "set redis.maxmemory to at most \((memory / 10 * 8 / Int64(max(1, spec.nodeCount))) >> 20)mb")
    }
}
