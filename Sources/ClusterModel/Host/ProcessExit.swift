/// How a process ended, as waitid(2) reports it to its parent. For an adopted process neither value is known.
package struct ProcessExit: Hashable, Sendable, Codable {
    package var code: Int32?
    package var signal: Int32?
    package var coreDumped: Bool

    package init(code: Int32? = nil, signal: Int32? = nil, coreDumped: Bool = false) {
        self.code = code
        self.signal = signal
        self.coreDumped = coreDumped
    }

    /// `exited with code 1`, `killed by SIGSEGV (core dumped)`.
    package var cause: String {
        if let signal { return "killed by \(Self.name(of: signal))\(coreDumped ? " (core dumped)" : "")" }
        if let code { return code == 0 ? "ended cleanly" : "exited with code \(code)" }
        return "ended (not a child of clusterd: no exit status)"
    }

    /// signal(7), on x86 and ARM. Real-time signals begin at 34: glibc keeps 32 and 33 for itself (nptl(7)).
    package static func name(of signal: Int32) -> String {
        switch signal {
        case 1...31: "SIG" + standardNames[Int(signal) - 1]
        case 34: "SIGRTMIN"
        case 35...64: "SIGRTMIN+\(signal - 34)"
        default: "signal \(signal)"
        }
    }

    private static let standardNames = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]
}
