/// How a process ended, as waitid(2) tells its parent. Of a process that was adopted neither is known.
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
        return "ended (it was not started by this clusterd, so how is not known)"
    }

    /// signal(7), on x86 and ARM.
    package static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
            9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
            24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
