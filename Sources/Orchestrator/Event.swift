import ClusterModel
import Planner

/// What reaches the loop from outside.
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
    /// Why the timeline cannot be written; nil: it can again.
    case timelineTrouble(String?)
}

/// What came of one effect.
package enum Outcome: Sendable, Equatable {
    case done
    case failed(String)
    case surveyed(Observation.Survey)
    /// For each pair: nil, it is ours now; else the port that is taken and a sentence about who holds it.
    case reserved([PortPair: Taken?])
    /// A process was started, or found and is being watched.
    case process(ProcessIdentity, startedAt: WallTime)
    case answered(NodeReply.Outcome)
    /// The answer to a question, or that there was none, and what the process was seen to do after it.
    case heard(NodeReply.Outcome, ProcessActivity?)
    /// Directives by lower-case name.
    /// - loginRefused: how the node refused a new connection of clusterd; nil: it did not.
    /// - scriptRefused: why the node runs no script of clusterd's; nil: it does, or could not be asked.
    case settings([String: String], loginRefused: String? = nil, scriptRefused: String? = nil)
    case inspected(HostInspection)
    case inquired(Observation.Inquiry)
    case measured(LogLengths)
    case used(HostUsage)
    case examined(Observation.Examination)

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
