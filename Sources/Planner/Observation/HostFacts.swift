/// Facts about the host as a whole.
package struct HostFacts: Sendable, Equatable {
    /// How long it has been suspended since boot: CLOCK_BOOTTIME minus CLOCK_MONOTONIC.
    package var asleep = Duration.zero
    /// Processes that the kernel has killed because memory ran out: in clusterd's cgroup, or on the host; nil if neither can be read.
    package var memoryKills: Int?

    package init(asleep: Duration = .zero, memoryKills: Int? = nil) {
        self.asleep = asleep
        self.memoryKills = memoryKills
    }
}
