import Foundation

/// What /proc says of a process.
enum ProcessFacts {
    /// False for a process that has ended, also while its parent has not noticed.
    static func isAlive(_ pid: pid_t) -> Bool {
        guard let state = statistics(pid)?.first else { return false }
        return state != "Z" && state != "X"
    }

    /// Seconds that all its threads computed since its start.
    static func processorTime(_ pid: pid_t) -> Double? {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        // In nanoseconds, where the kernel keeps it; the clock ticks of `stat` are too coarse for an idle process.
        let exact = threads.compactMap { thread in
            text("/proc/\(pid)/task/\(thread)/schedstat")?.split(separator: " ").first.flatMap { Double($0) }
        }
        if !exact.isEmpty, exact.count == threads.count { return exact.reduce(0, +) / 1e9 }
        guard let words = statistics(pid), words.count > 12, let user = Double(words[11]),
            let system = Double(words[12])
        else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in megabytes (10^6 bytes).
    static func residentMemory(_ pid: pid_t) -> Double? {
        let line = text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kilobytes = line.flatMap { Double($0.filter(\.isNumber)) }
        return kilobytes.map { $0 * 1024 / 1e6 }
    }

    private static var pids: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    }

    static func children(of parent: pid_t) -> [pid_t] {
        pids.filter { pid in statistics(pid)?.dropFirst().first.flatMap { pid_t($0) } == parent }
    }

    /// The processes that work in this folder or below it. Servers do: each changes to its own.
    static func processes(in folder: String) -> [pid_t] {
        pids.filter { pid in
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return place.map { "\($0)/".hasPrefix(folder + "/") } ?? false
        }
    }

    /// Kills them, without regard for data.
    static func killAll(in folder: String) {
        _ = eventually(within: 20, every: 20_000) {
            let left = processes(in: folder)
            for pid in left { kill(pid, SIGKILL) }
            return left.isEmpty
        }
    }

    /// The fields of `stat` after the name: state, ppid, …
    private static func statistics(_ pid: pid_t) -> [Substring]? {
        guard let text = text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
