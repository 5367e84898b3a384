import ClusterModel

/// While a pause is in effect, nothing automatic happens: no ended node is restarted, and no replica is promoted. Commands are carried out,
/// a booting host starts its nodes, and the engine's own failover stays enabled.
package struct Pause: Sendable, Equatable, Codable {
    package var since: WallTime
    /// By the wall clock; nil: until `resume`.
    package var until: WallTime?

    package init(since: WallTime, until: WallTime?) {
        self.since = since
        self.until = until
    }
}

extension WallTime {
    /// `2026-01-01 00:00:00 UTC`.
    package var clock: String {
        let civil = CivilTime(self)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(civil.year)-\(two(civil.month))-\(two(civil.day)) \(two(civil.hour)):\(two(civil.minute)):"
            + "\(two(civil.second)) UTC"
    }
}

extension Turn {
    /// Not longer than requested, even if no daemon ran when it ended.
    mutating func endPause() {
        guard let until = decision.record?.pause?.until else { return }
        if seen.wall >= until {
            set(\.pause, nil)
        } else {
            wake(after: .milliseconds(until.milliseconds - seen.wall.milliseconds))
        }
    }

    var isPaused: Bool { decision.record?.pause != nil }

    /// Whether the operator waits for this node's start.
    func isStartAsked(_ node: NodeName) -> Bool {
        decision.record?.operations.contains { $0.starts(node) } ?? false
    }

    /// Why a pause keeps a node down that does not run; nil: it does not. A node that this daemon, or the record of this boot, saw running
    /// has ended meanwhile; a node that was stopped with the cluster, or that has not run since the host booted, has not.
    func restsWhilePaused(_ member: Member) -> String? {
        guard isPaused, !isStartAsked(member.name) else { return nil }
        if let exit = exited(member.name) { return exit.reason.cause }
        guard let process = member.process, process.bootID == seen.bootID else { return nil }
        return "ended while clusterd was not running"
    }

    mutating func reportPause() {
        guard let pause = decision.record?.pause else { return }
        emit(
            Finding(
                .paused, .warning,
                "paused \(pause.until.map { "until \($0.clock)" } ?? "until clusterd resume"): clusterd restarts no node that ends "
                    + "and promotes no replica",
                hint: "clusterd resume"))
    }
}
