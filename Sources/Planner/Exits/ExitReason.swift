import ClusterModel

/// Why a node's process ended: the exit status as far as it is known, and what the engine's own log says about it.
package struct ExitReason: Sendable, Equatable, Hashable {
    package enum Kind: Sendable, Equatable, Hashable {
        /// It ended because it was asked to.
        case clean
        /// Another process took the port between clusterd's reservation and the engine's bind.
        case portTaken(Int)
        case badDirective
        case badNodesFile
        case badAppendOnlyFile
        case badDump
        /// Its files were written by a newer engine and are intact.
        case newerData
        case diskFull
        case cannotExecute
        case directoryLocked
        /// The kernel killed it to reclaim memory.
        case outOfMemory
        /// clusterd killed it because it did not answer and was not expected to recover.
        case hung
        case killed
        case crashed
        case unknown

        /// The name in JSON and in the record.
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
    /// A predicate: `killed by SIGKILL`, `could not bind port 7005`.
    package var cause: String
    package var exit: ProcessExit?
    /// The most informative lines of the engine's log (`TellingLines`).
    package var logTail: [String]
    /// Whether the kernel killed it because memory ran out, according to its own cgroup; nil: it had no cgroup that counts.
    package var outOfMemory: Bool?

    /// The record keeps these lines, so they are few and short.
    static let linesKept = 12
    static let lineLength = 300

    package init(kind: Kind, cause: String, exit: ProcessExit?, logTail: [String] = []) {
        self.kind = kind
        self.cause = cause
        self.exit = exit
        self.logTail = logTail
    }

    /// Reads an exit, what the process wrote to its log since it began, and what its cgroup counted in the meantime.
    package init(exit: ProcessExit, log: [String], memory: MemoryWitness? = nil) {
        let story = EngineLog(log)
        let (kind, cause) = Self.read(exit, story)
        self.init(
            kind: kind, cause: cause, exit: exit,
            logTail: TellingLines(log).chosen(exit, atMost: Self.linesKept).map { String($0.prefix(Self.lineLength)) })
        if let memory { hear(memory) }
    }

    /// The kernel reclaims memory only by SIGKILL; for a process that is not a child of clusterd there is no other source.
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
        // A process does not send itself SIGKILL, whatever it logged before.
        if exit.signal == 9 { return (.killed, exit.cause) }
        if let (kind, cause) = log.reason { return (kind, cause) }
        if exit.signal != nil, let sender = log.sender { return (.killed, "\(exit.cause), \(sender)") }
        if let report = log.crashReport {
            return (.crashed, "\(exit.signal == nil ? "crashed" : exit.cause): \(report)")
        }
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

    /// Marks the exit as a kill by clusterd, if the process died of SIGKILL.
    package func killed(by kill: Record.Kill) -> ExitReason {
        guard exit?.signal == 9 || (exit?.signal == nil && exit?.code == nil) else { return self }
        return ExitReason(kind: .hung, cause: "killed by clusterd: \(kill.cause)", exit: exit, logTail: logTail)
    }

    /// Another start would fail in the same way: the operator must act, or the file must be repaired first.
    package var isHopeless: Bool {
        switch kind {
        case .badDirective, .cannotExecute, .badAppendOnlyFile, .badDump, .newerData: true
        default: false
        }
    }

    /// The process ended because of its data files.
    package var dataUnreadable: Bool { [.badAppendOnlyFile, .badDump, .newerData].contains(kind) }
}
