import ClusterModel

/// How much of a node's own log goes to the journal: a burst, and then a fixed number of lines per second. The journal limits everything
/// that a service logs (`RateLimitBurst=`, journald.conf(5)), and a node that logs very much must not use up what clusterd itself needs.
/// Warnings have their own allowance: chatty lines are not the important ones.
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
    /// Lines dropped since they were last reported.
    private var leftOut = 0

    package init() {}

    package mutating func allows(warning: Bool, at now: Moment) -> Bool {
        let isAllowed = warning ? warnings.take(at: now) : others.take(at: now)
        if !isAllowed { leftOut += 1 }
        return isAllowed
    }

    /// How many lines were dropped, once lines are forwarded again; nil: none, or lines are still being dropped.
    package mutating func takeLeftOut(at now: Moment) -> Int? {
        guard leftOut > 0, others.take(at: now) else { return nil }
        defer { leftOut = 0 }
        return leftOut
    }
}
