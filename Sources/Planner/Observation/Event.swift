import ClusterModel

/// An event that reaches the loop from outside. `Observation+Events.swift` has what each changes in the observation.
package enum Event: Sendable {
    /// An effect ended.
    case ended(Effect, Outcome)
    case exited(NodeName, ProcessIdentity, ExitReason)
    case intent(Observation.DaemonIntent)
    case disks([Disk])
    case host(HostFacts)
    /// The log of a process whose end was reported before it could be read.
    case explained(NodeName, ProcessIdentity, ExitReason)
    case overdue([OverdueWork])
    case configured(ReloadPlan)
    /// The reason why the timeline cannot be written; nil when it can again.
    case timelineTrouble(String?)
}

/// The outcome of one effect.
package enum Outcome: Sendable, Equatable {
    case done
    case failed(String)
    case surveyed(Observation.Survey)
    /// For each pair: nil if clusterd has reserved it; otherwise the taken port and a sentence about the process that holds it.
    case reserved([PortPair: Taken?])
    /// A process was started, or was found and is being watched.
    case process(ProcessIdentity, startedAt: WallTime)
    case answered(NodeReply.Outcome)
    /// The answer to a question, or its absence, and the observed activity of the process after it.
    case heard(NodeReply.Outcome, ProcessActivity?)
    /// Directives by lower-case name.
    /// - loginRefused: how the node rejected a new connection of clusterd; nil if it did not.
    /// - scriptRefused: why the node rejects clusterd's scripts; nil if it runs them, or could not be queried.
    case settings([String: String], loginRefused: String? = nil, scriptRefused: String? = nil)
    case inspected(HostInspection)
    case inquired(Observation.Inquiry)
    case measured(LogLengths)
    case used(HostUsage)
    case examined(Observation.Examination)
    case copied(DumpCopy)
    case migrated(MigratedKeys)
    /// The slots with keys, and how many each has.
    case counted([Int: Int64])

    package struct Taken: Sendable, Equatable {
        package var port: Int
        package var sentence: String
        package var holder: Observation.PortHolderFact

        package init(port: Int, sentence: String, holder: Observation.PortHolderFact = .other) {
            self.port = port
            self.sentence = sentence
            self.holder = holder
        }
    }

    var failure: String? {
        guard case .failed(let why) = self else { return nil }
        return why
    }
}
