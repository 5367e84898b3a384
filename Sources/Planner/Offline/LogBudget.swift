import ClusterModel

/// How much of a node's own log goes on to the journal: a burst, and then so many lines a second. The journal has a limit for
/// all that a service says (`RateLimitBurst=`, journald.conf(5)), and a node that says very much must not use up what clusterd
/// itself needs to tell. Warnings have an allowance of their own: what is chatty is not what matters.
package struct LogBudget: Sendable {
    package static let perSecond: Int64 = 50
    package static let burst: Int64 = 500

    private struct Allowance: Sendable {
        /// Thousandths of a line.
        var left = LogBudget.burst * 1000
        var since: Moment?

        mutating func take(at now: Moment) -> Bool {
            if let since, since < now {
                left = min(LogBudget.burst * 1000, left + (now - since).inMilliseconds * LogBudget.perSecond)
            }
            since = now
            guard left >= 1000 else { return false }
            left -= 1000
            return true
        }
    }

    private var warnings = Allowance()
    private var others = Allowance()
    /// Lines that were left out since it was last said.
    private var leftOut = 0

    package init() {}

    package mutating func allows(warning: Bool, at now: Moment) -> Bool {
        let isAllowed = warning ? warnings.take(at: now) : others.take(at: now)
        if !isAllowed { leftOut += 1 }
        return isAllowed
    }

    /// How many were left out, once what follows is told again; nil: none, or it goes on.
    package mutating func takeLeftOut(at now: Moment) -> Int? {
        guard leftOut > 0, others.take(at: now) else { return nil }
        defer { leftOut = 0 }
        return leftOut
    }
}
