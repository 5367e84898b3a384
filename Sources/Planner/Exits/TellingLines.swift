import ClusterModel

/// The lines of one engine process's log that say most about its end: the head of a crash report; otherwise its warnings of the last minute
/// and everything of its last second. Startup and synchronization messages are left out. Pure, and bounded.
struct TellingLines {
    /// A warning older than this, counted from the last line, is unrelated to the end.
    private static let recently: Int64 = 60_000
    /// For a process that ended on its own: everything that it wrote this shortly before its last line.
    private static let atTheEnd: Int64 = 1000
    /// If nothing stands out, the last lines of a process that failed.
    private static let fallback = 3

    private let entries: [LogEntry]

    init(_ lines: [String]) { entries = lines.filter { !$0.isEmpty }.map(LogEntry.init) }

    func chosen(_ exit: ProcessExit, atMost count: Int) -> [String] {
        if let report = crashReport(atMost: count) { return report }
        // The process had no time to write anything about it.
        let wasKilled = exit.signal == 9
        let last = entries.last { $0.at != nil }?.at
        var isChosen = false
        var lines: [String] = []
        for entry in entries {
            if entry.isStamped {
                let age = entry.at.flatMap { at in last.map { $0 - at } } ?? 0
                let isTelling =
                    entry.level == .warning && age <= Self.recently
                    || !wasKilled && age <= Self.atTheEnd && entry.level != .chatter
                isChosen = isTelling && !entry.isRoutine
            } else if entry.text.hasPrefix("***") {
                isChosen = true
            }
            if isChosen, !entry.words.isEmpty { lines.append(entry.text) }
        }
        if lines.isEmpty, !wasKilled, exit.code != 0 { lines = entries.suffix(Self.fallback).map(\.text) }
        return Array(lines.suffix(count))
    }

    /// The head of the newest report, and a warning right before it: the last lines of a report only ask the reader to file it.
    private func crashReport(atMost count: Int) -> [String]? {
        guard let start = entries.lastIndex(where: \.beginsCrashReport) else { return nil }
        let before = start > 0 ? entries[start - 1] : nil
        let isTold = before.map { $0.level == .warning && !$0.words.isEmpty && !$0.isRoutine } ?? false
        return entries.suffix(from: isTold ? start - 1 : start).filter { !$0.words.isEmpty }.prefix(count).map(\.text)
    }
}

/// A line of an engine's log, as far as its prefix says what it is (`serverLogRaw`, src/server.c).
private struct LogEntry {
    enum Level { case warning, notice, chatter }

    let text: String
    /// Without process, time and level.
    private(set) var words: Substring
    private(set) var level: Level?
    /// Milliseconds since some moment that is the same for all lines of a log; nil: the line has no time, or has it in another form.
    private(set) var at: Int64?
    /// Whether it is a line of its own and not a continuation of the previous one.
    private(set) var isStamped = false

    init(_ text: String) {
        self.text = text
        words = text[...]
        // `4182:M 01 Jan 2026 00:00:00.000 # …`, or with one word for the time.
        let head = text.prefix(160)
        guard let colon = head.firstIndex(of: ":"), head.startIndex < colon, head[..<colon].allSatisfy(\.isNumber)
        else {
            if text.hasPrefix("pid=") { readNamedFields() }
            return
        }
        if head[colon...].hasPrefix(":signal-handler ") {
            (isStamped, level) = (true, .warning)
            return
        }
        let parts = text.split(separator: " ", maxSplits: 6, omittingEmptySubsequences: false)
        for place in [2, 5] where place < parts.count {
            guard let found = Self.level(parts[place]) else { continue }
            (isStamped, level) = (true, found)
            words = parts[place].endIndex < text.endIndex ? text[text.index(after: parts[place].endIndex)...] : ""
            at = place == 5 ? Self.time(parts[1...4]) : Int64(parts[1])
            return
        }
    }

    /// Valkey's `log-format logfmt`: `pid=4177 role=primary timestamp="…" level=warning message="…"`.
    private mutating func readNamedFields() {
        isStamped = true
        guard let range = text.firstRange(of: " level=") else { return }
        switch text[range.upperBound...].prefix(while: { $0 != " " }) {
        case "warning": level = .warning
        case "notice": level = .notice
        default: level = .chatter
        }
        if let message = text.firstRange(of: "message=\"") { words = text[message.upperBound...] }
    }

    private static func level(_ mark: Substring) -> Level? {
        switch mark {
        case "#": .warning
        case "*": .notice
        case "-", ".": .chatter
        default: nil
        }
    }

    /// `01 Jan 2026 00:00:00.000`
    private static func time(_ words: ArraySlice<Substring>) -> Int64? {
        let words = Array(words)
        let clock = words[3].split { $0 == ":" || $0 == "." }.compactMap { Int($0) }
        guard let day = Int(words[0]), let month = months.firstIndex(of: words[1]), let year = Int(words[2]),
            clock.count == 4
        else { return nil }
        let days = Int64(CivilTime.daysSinceEpoch(year: year, month: month + 1, day: day))
        return days * 86_400_000 + Int64(clock[0] * 3_600_000 + clock[1] * 60_000 + clock[2] * 1000 + clock[3])
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    var beginsCrashReport: Bool {
        text.contains("REDIS BUG REPORT START") || text.contains("VALKEY BUG REPORT START")
    }

    /// What every healthy process writes when it starts, synchronizes, saves or rewrites.
    var isRoutine: Bool { Self.routine.contains { words.hasPrefix($0) } }

    /// Prefixes, of Redis 6.2 to 8 and of Valkey.
    private static let routine = [
        "oO0OoO0OoO0Oo", "Redis version=", "Valkey version=", "Configuration loaded", "Server initialized",
        "WARNING Memory overcommit", "WARNING overcommit_memory", "WARNING: The TCP backlog",
        "WARNING: Changing databases number", "WARNING You have Transparent Huge Pages",
        "WARNING Your kernel has a bug", "Missing implement of connection type",
        "Running mode=", "monotonic clock", "Node configuration loaded", "No cluster configuration found",
        "Static Module", "Module ", "Ready to accept connections", "Cluster state changed: ok",
        "Address updated for node",
        "Creating AOF", "Opening AOF", "Reading RDB base file", "Loading RDB produced by", "RDB age",
        "RDB memory usage",
        "RDB is base AOF", "Done loading RDB", "DB loaded from", "Concurrent writes", "Background ", "Fork CoW",
        "Successfully created the temporary", "Successfully renamed the temporary", "Removing the history file",
        "Starting BGSAVE", "Diskless rdb transfer", "Streamed RDB", "RDB signature and version", "Reused RDB file",
        "Replica ", "Synchronization with replica", "Replication backlog created", "Setting secondary replication ID",
        "MASTER <-> REPLICA sync", "PRIMARY <-> REPLICA sync", "Connecting to MASTER", "Connecting to PRIMARY",
        "Reconnecting to MASTER", "Reconnecting to PRIMARY", "Non blocking connect for SYNC", "Master replied to PING",
        "Primary replied to PING", "Trying a partial resynchronization", "Partial resynchronization",
        "Full resync from", "Successful partial resynchronization", "Discarding previously cached",
        "Caching the disconnected", "Before turning into a replica", "Loading the RDB and finalizing",
        "Cleaning slot migration log", "Done downloading RDB",
    ]
}
