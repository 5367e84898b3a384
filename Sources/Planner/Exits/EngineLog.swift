/// What one engine process wrote to its log, read to find out why it ended. The sentences are the engines' own, of Redis 6.2 to 8 and of
/// Valkey: src/server.c, src/config.c, src/cluster.c, src/aof.c, src/rdb.c, src/debug.c.
struct EngineLog {
    private let lines: [String]

    init(_ lines: [String]) { self.lines = lines.filter { !$0.isEmpty } }

    /// Why a dump could not be written; nil if the log does not say. The lines after it only say that the save failed.
    var savingTrouble: String? {
        let consequences = ["can't exit", "Errors trying to", "Background saving error", "Signal handled"]
        return lines.last { line in
            line.contains(words: " # ") && !consequences.contains { line.contains(words: $0) }
        }.map(Self.words)
    }

    /// Why it gave up, in its own words; nil if no known line is present. The first match counts: later lines in a log are most often
    /// consequences.
    var reason: (ExitReason.Kind, String)? {
        if let line = last("Could not create server TCP listening socket") ?? last("Failed listening on port") {
            if line.contains(words: "bind: ") && !line.contains(words: "Address already in use") {
                return (.unknown, "could not bind its port: \(Self.words(line))")
            }
            let port = Self.port(in: line)
            return (
                .portTaken(port ?? 0), "could not bind port \(port.map(String.init) ?? "?"): address already in use"
            )
        }
        if let at = lines.lastIndex(where: { $0.contains(words: "FATAL CONFIG FILE ERROR") }) {
            // Then `Reading the configuration file, at line 8`, `>>> 'the line'`, and the error.
            let words = lines.suffix(from: at + 1).filter { !$0.hasPrefix("Reading the configuration") }
                .map { $0.hasPrefix(">>> ") ? String($0.dropFirst(4)) : $0 }
            return (.badDirective, "rejected its configuration: \(words.joined(separator: ": "))")
        }
        // Valkey, and every engine if a file has two nodes that are `myself`, dies of it by a deliberate crash.
        if last("corrupted cluster config file", "cluster->myself == NULL' is not true") != nil {
            return (.badNodesFile, "rejected its nodes.conf as corrupted")
        }
        if last("is already used by a different Redis Cluster node", "is already used by a different Valkey") != nil
            || last("in order to acquire a lock") != nil
        {
            return (.directoryLocked, "could not lock its nodes.conf")
        }
        if last(
            "can't update cluster config file", "No space left on device",
            "Replica was unable to write command to disk") != nil
        {
            return (.diskFull, "found the disk full")
        }
        if let line = last("Can't handle RDB format version") {
            let format = Self.words(line).split { !$0.isNumber }.last.flatMap { Int($0) } ?? 0
            return (
                .newerData,
                "cannot read files in RDB format \(format)\(Self.writer(of: format)): \(engine ?? "it") is too old for them"
            )
        }
        if let at = lines.lastIndex(where: { $0.contains(words: "FATAL AOF MANIFEST FILE ERROR") }) {
            // Then, if a line is at fault, `Reading the manifest file, at line 2` and `>>> 'the line'`, and the error.
            let words = lines.suffix(from: at + 1).map(Self.words).filter { !$0.hasPrefix("Reading the manifest") }
                .map { $0.hasPrefix(">>> ") ? String($0.dropFirst(4)) : $0 }
            let what = words.isEmpty ? "the engine rejects it" : words.joined(separator: ": ")
            return (.badAppendOnlyFile, "could not load its append-only file: manifest: \(what)")
        }
        if let line = last(
            "Bad file format reading the append only file", "Unexpected end of file reading the append only file",
            "Invalid AOF manifest file format", "Unable to obtain the AOF file",
            "Unrecoverable error reading the append only file")
        {
            return (.badAppendOnlyFile, "could not load its append-only file: \(Self.withoutAdvice(Self.words(line)))")
        }
        if let line = last(
            "Wrong signature trying to load DB from file", "Wrong RDB checksum",
            "Short read or OOM loading DB", "Internal error in RDB reading",
            "Terminating server after rdb file", "Fatal error loading the DB")
        {
            // The base of an append-only file is an RDB file too.
            return last(".base.rdb", "RDB base file on AOF loading", "RDB preamble from AOF") != nil
                ? (.badAppendOnlyFile, "could not load its append-only file: \(Self.words(line))")
                : (.badDump, "could not load its RDB file: \(Self.words(line))")
        }
        return nil
    }

    /// `Redis 7.0.15`, as it calls itself when it starts.
    private var engine: String? {
        guard let line = last("Redis version=", "Valkey version=") else { return nil }
        let words = Self.words(line).split { $0 == " " || $0 == "," }
        guard let at = words.firstIndex(where: { $0.hasPrefix("version=") }), at > 0 else { return nil }
        return "\(words[at - 1]) \(words[at].dropFirst(8))"
    }

    /// `RDB_VERSION`, src/rdb.h of each.
    private static func writer(of format: Int) -> String {
        switch format {
        case 10: ", as Redis 7.0 writes them"
        case 11: ", as Redis 7.2 and Valkey 7.2 to 8 write them"
        case 12: ", as Redis 7.4 and later write them"
        case 80...: ", as Valkey 9 and later write them"
        default: ""
        }
    }

    /// The head of a crash report: the cause of death that the engine reports.
    var crashReport: String? {
        guard lines.contains(where: Self.beginsCrashReport) else { return nil }
        if let line = last("Out Of Memory allocating") { return Self.words(line) }
        if let line = last("Guru Meditation") { return Self.words(line) }
        if let line = last(" is not true") { return "assertion failed: \(Self.words(line))" }
        return "its log has a crash report"
    }

    /// The crash report for a signal that another process sent names the sender: `Killed by PID: 4182, UID: 1000`.
    var sender: String? {
        guard let line = last("Killed by PID: ") else { return nil }
        return Self.words(line).split { !$0.isNumber }.first.map { "sent by pid \($0)" }
    }

    var saidGoodbye: Bool { last("is now ready to exit, bye bye") != nil }

    /// The last line that the engine marked as a warning.
    var lastWarning: String? { lines.last { $0.contains(words: " # ") }.map(Self.words) }

    private static func beginsCrashReport(_ line: String) -> Bool {
        line.contains(words: "REDIS BUG REPORT START") || line.contains(words: "VALKEY BUG REPORT START")
    }

    private func last(_ wanted: String...) -> String? {
        lines.last { line in wanted.contains { line.contains(words: $0) } }
    }

    /// A line without its pid, time and level: `4182:M 01 Jan 2026 00:00:00.000 # Failed …`.
    static func words(_ line: String) -> String {
        for mark in [" # ", " * ", " - ", " . "] {
            guard let range = line.firstRange(of: mark), line[..<range.lowerBound].contains(":") else { continue }
            return String(line[range.upperBound...])
        }
        return line
    }

    /// What the engine says happened, without its advice: clusterd has its own hint, and owns `aof-load-truncated`.
    private static func withoutAdvice(_ words: String) -> String {
        for advice in [": make a backup", ". You can", ". Make a backup"] {
            if let range = words.firstRange(of: advice) { return String(words[..<range.lowerBound]) }
        }
        return words
    }

    /// The number after `port `, or the number before `: bind`.
    private static func port(in line: String) -> Int? {
        let words = line.split { !$0.isNumber && !$0.isLetter && $0 != ":" && $0 != "." }
        for (index, word) in words.enumerated() {
            if word == "port", index + 1 < words.count { return Int(words[index + 1]) }
            if word.hasSuffix(":"), let last = word.dropLast().split(separator: ":").last, let port = Int(last),
                index + 1 < words.count, words[index + 1] == "bind:"
            {
                return port
            }
        }
        return nil
    }
}

extension String {
    /// By bytes: no line of a log is compared by Unicode's rules.
    fileprivate func contains(words: String) -> Bool {
        let text = Array(utf8)
        let words = Array(words.utf8)
        guard words.count <= text.count else { return false }
        return (0...(text.count - words.count)).contains { text[$0..<($0 + words.count)].elementsEqual(words) }
    }
}
