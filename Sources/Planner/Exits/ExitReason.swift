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
        /// Its files were written by a newer engine, and are whole.
        case newerData
        case diskFull
        case cannotExecute
        case directoryLocked
        /// The kernel ended it to get memory back.
        case outOfMemory
        /// clusterd ended it, because it did not answer and could not be expected to.
        case hung
        case killed
        case crashed
        case unknown

        /// As JSON and the record have it.
        package var name: String {
            switch self {
            case .clean: "clean"
            case .portTaken: "port-taken"
            case .badDirective: "bad-directive"
            case .badNodesFile: "bad-nodes-file"
            case .badAppendOnlyFile: "bad-append-only-file"
            case .badDump: "bad-dump"
            case .newerData: "newer-data"
            case .diskFull: "disk-full"
            case .cannotExecute: "cannot-execute"
            case .directoryLocked: "directory-locked"
            case .outOfMemory: "out-of-memory"
            case .hung: "hung"
            case .killed: "killed"
            case .crashed: "crashed"
            case .unknown: "unknown"
            }
        }
    }

    package var kind: Kind
    /// One sentence part: `killed by SIGKILL`, `could not bind port 7005`.
    package var cause: String
    package var exit: ProcessExit?
    /// What the engine wrote that tells most (`TellingLines`).
    package var logTail: [String]
    /// Whether the kernel killed it for want of memory, by what its own cgroup has counted; nil: it had none that counts.
    package var outOfMemory: Bool?

    /// The record keeps them, so they are few and short.
    static let linesKept = 12
    static let lineLength = 300

    package init(kind: Kind, cause: String, exit: ProcessExit?, logTail: [String] = []) {
        self.kind = kind
        self.cause = cause
        self.exit = exit
        self.logTail = logTail
    }

    /// Reads an exit, what the process wrote to its log since it began, and what its cgroup counted meanwhile.
    package init(exit: ProcessExit, log: [String], memory: MemoryWitness? = nil) {
        let story = EngineLog(log)
        let (kind, cause) = Self.read(exit, story)
        self.init(
            kind: kind, cause: cause, exit: exit,
            logTail: TellingLines(log).chosen(exit, atMost: Self.linesKept).map { String($0.prefix(Self.lineLength)) })
        if let memory { hear(memory) }
    }

    /// Nothing but SIGKILL is how the kernel gets memory back; of a process that is no child of ours nobody else tells.
    private mutating func hear(_ memory: MemoryWitness) {
        guard exit?.signal == 9 || (kind == .unknown && exit?.code == nil && exit?.signal == nil) else { return }
        outOfMemory = memory.after.killed > memory.before.killed
        guard outOfMemory == true else { return }
        kind = .outOfMemory
        if memory.after.exhausted > memory.before.exhausted, let limit = memory.limit {
            cause = "killed by the kernel at its memory-max of \(Disk.text(limit))"
        } else {
            cause =
                "killed by the kernel: out of memory" + (memory.limit == nil ? "" : ", below its own memory-max")
        }
    }

    private static func read(_ exit: ProcessExit, _ log: EngineLog) -> (Kind, String) {
        if exit.code == 0 { return (.clean, exit.cause) }
        // Nobody does this to itself, whatever it complained of before.
        if exit.signal == 9 { return (.killed, exit.cause) }
        if let (kind, cause) = log.reason { return (kind, cause) }
        if exit.signal != nil, let sender = log.sender { return (.killed, "\(exit.cause), \(sender)") }
        if let report = log.crashReport { return (.crashed, exit.signal == nil ? report : "\(exit.cause): \(report)") }
        if exit.signal != nil { return (.crashed, exit.cause) }
        guard exit.code == nil else {
            return (.unknown, exit.cause + (log.lastWarning.map { ": \($0)" } ?? ""))
        }
        // Of a process that is no child of ours only its own words tell.
        if log.saidGoodbye {
            return (.clean, "ended cleanly according to its log (not a child of this clusterd: no exit status)")
        }
        return (.unknown, exit.cause)
    }

    /// That it was clusterd which killed it, if it died of that.
    package func killed(by kill: Record.Kill) -> ExitReason {
        guard exit?.signal == 9 || (exit?.signal == nil && exit?.code == nil) else { return self }
        return ExitReason(kind: .hung, cause: "killed by clusterd: \(kill.cause)", exit: exit, logTail: logTail)
    }

    /// Trying again changes nothing: a person must, or the file is repaired first.
    package var isHopeless: Bool {
        switch kind {
        case .badDirective, .cannotExecute, .badAppendOnlyFile, .badDump, .newerData: true
        default: false
        }
    }

    /// Its data files are what it died of.
    package var dataUnreadable: Bool { [.badAppendOnlyFile, .badDump, .newerData].contains(kind) }
}
