import ClusterModel

/// The answer to one query, or the fact that there was none.
package struct NodeReply: Sendable, Equatable {
    package var askedAt: Moment
    package var answeredAt: Moment
    package var of: ProcessIdentity
    package var outcome: Outcome

    package enum Outcome: Sendable, Equatable {
        case report(NodeReport)
        /// It is alive, and cannot report more now: LOADING, BUSY, MASTERDOWN, NOAUTH …; the engine's own words.
        case answered(String)
        /// The port refuses connections: the process does not listen (yet).
        case refused
        /// Connected or connecting, and no answer in time.
        case silent
    }

    package init(askedAt: Moment, answeredAt: Moment, of: ProcessIdentity, outcome: Outcome) {
        self.askedAt = askedAt
        self.answeredAt = answeredAt
        self.of = of
        self.outcome = outcome
    }

    /// It has not loaded its data yet: what it will hold is on its disk.
    package var isLoading: Bool {
        switch outcome {
        case .report(let report): report.loading
        case .answered(let words): EngineErrorReply(words) == .loading
        case .refused, .silent: false
        }
    }

    /// Any answer proves that the node is alive.
    package var isLife: Bool {
        switch outcome {
        case .report, .answered: true
        case .refused, .silent: false
        }
    }
}
