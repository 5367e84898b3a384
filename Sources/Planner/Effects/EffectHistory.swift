import ClusterModel

/// The outcome of the effect with one key. Queries (`ask`) are not kept here but in `asking` and `replies`.
package struct EffectHistory: Sendable, Equatable {
    package var node: NodeName?
    package var began: Moment
    package var ended: Moment?
    package var failure: String?
    package var attempts: Int

    package init(
        node: NodeName?, began: Moment, ended: Moment? = nil, failure: String? = nil, attempts: Int = 1
    ) {
        self.node = node
        self.began = began
        self.ended = ended
        self.failure = failure
        self.attempts = attempts
    }

    package var isUnderWay: Bool { ended == nil }
    package var isDone: Bool { ended != nil && failure == nil }
}
