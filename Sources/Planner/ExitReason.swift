import ClusterModel

/// Why a node's process ended: the exit status as far as it can be known, and what the engine's own log says of it.
package struct ExitReason: Sendable, Equatable, Hashable {
    package enum Kind: Sendable, Equatable, Hashable {
        /// It was asked to end and did.
        case clean
        /// A port was taken between our reservation and its bind.
        case portTaken(Int)
        case badDirective
        case badNodesFile
        case badAppendOnlyFile
        case badDump
        case diskFull
        case cannotExecute
        case directoryLocked
        case killed
        case crashed
        case unknown
    }

    package var kind: Kind
    /// One sentence part: `killed by SIGKILL`, `could not bind port 7005`.
    package var cause: String
    package var exit: ProcessExit?
    /// The engine's last lines.
    package var logTail: [String]

    package init(kind: Kind, cause: String, exit: ProcessExit?, logTail: [String] = []) {
        self.kind = kind
        self.cause = cause
        self.exit = exit
        self.logTail = logTail
    }

    /// Reads an exit. The sentences are the engines' own (REDIS.md 2, 3, 8): src/server.c, src/cluster.c, src/aof.c.
    package init(exit: ProcessExit, logTail: [String]) {
        func line(_ words: String) -> String? { logTail.last { Self.contains($0, words) } }
        let kind: Kind
        var cause = exit.cause
        if exit.code == 0 {
            kind = .clean
        } else if let text = line("Could not create server TCP listening socket") ?? line("Failed listening on port") {
            let port = Self.port(in: text)
            kind = .portTaken(port ?? 0)
            cause = "could not bind port \(port.map(String.init) ?? "?"): address already in use"
        } else if line("FATAL CONFIG FILE ERROR") != nil {
            kind = .badDirective
            cause = "refused its configuration: " + (logTail.last { !$0.isEmpty } ?? "no reason given")
        } else if line("corrupted cluster config file") != nil {
            kind = .badNodesFile
            cause = "refused its nodes.conf as corrupted"
        } else if line("is already used by a different Redis Cluster node") != nil
            || line("in order to acquire a lock") != nil
        {
            kind = .directoryLocked
            cause = "could not lock its nodes.conf"
        } else if line("can't update cluster config file") != nil || line("No space left on device") != nil {
            kind = .diskFull
            cause = "found the disk full"
        } else if line("Bad file format reading the append only file") != nil
            || line("Unexpected end of file reading the append only file") != nil
            || line("append-only file") != nil && line("truncated") != nil
        {
            kind = .badAppendOnlyFile
            cause = "could not load its append-only file"
        } else if line("Wrong signature trying to load DB from file") != nil
            || line("Terminating server after rdb file") != nil
            || line("Can't handle RDB format version") != nil
        {
            kind = .badDump
            cause = "could not load its RDB file"
        } else if exit.signal == 9 {
            kind = .killed
        } else if exit.signal != nil || line("REDIS BUG REPORT START") != nil {
            kind = .crashed
        } else {
            kind = .unknown
        }
        self.init(kind: kind, cause: cause, exit: exit, logTail: logTail)
    }

    /// Trying again changes nothing: a person must, or triage mends the file.
    package var isHopeless: Bool {
        switch kind {
        case .badDirective, .cannotExecute: true
        default: false
        }
    }

    private static func contains(_ text: String, _ words: String) -> Bool {
        let text = Array(text.utf8)
        let words = Array(words.utf8)
        guard words.count <= text.count else { return false }
        return (0...(text.count - words.count)).contains { text[$0..<($0 + words.count)].elementsEqual(words) }
    }

    /// The number after `port ` or before `: bind`.
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
