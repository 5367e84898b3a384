import ClusterModel

/// A cluster that ends with its daemon has nothing to save: all nodes stop at once, and clusterd kills those that do not.
extension Turn {
    /// How long a node has to end on its own: an engine under a sanitizer or a profiler writes its report then.
    static let endingLimit = Duration.seconds(1)
    /// How long clusterd waits for a killed node: the kernel kills it again together with the daemon.
    static let killingLimit = Duration.seconds(10)

    mutating func endAtOnce(_ alive: [Member], waited: Duration, kill: Bool) {
        for member in alive {
            guard let process = running(member.name), let contact = contact(member) else { continue }
            let isOther = lastReport(member).map { $0.processID != process.identity.pid } ?? false
            if !kill, !isOther, waited < Self.endingLimit {
                if case .failed = ensure(.shutdown(member.name, contact, .never)) {} else { continue }
            }
            ensure(.signal(member.name, process.identity, .kill), retryAfter: .seconds(1))
        }
        let names = alive.map(\.name.text).joined(separator: " ")
        wait(.end(of: alive.map(\.name)))
        wake(after: .milliseconds(50))
        guard waited >= Self.killingLimit else { return }
        refuse(
            Failure(.notStopped, "\(names) still run although clusterd killed them", hint: "check the disk"))
    }
}
