import ClusterModel
import Orchestrator
import Planner

/// Actions of the operator.
extension World {
    func ask(_ request: Request, _ index: Int, _ key: String) {
        guard var current = cycle, let record = current.record, !record.members.isEmpty else { return }
        let node = record.members[index % record.members.count].name.text
        let command: Command =
            switch request {
            case .restartNode: .restartNode(node, restoreRoles: index % 2 == 0, force: index % 3 == 0)
            case .startNode: .startNode(node)
            case .stopNode: .stopNode(node, noFailover: index % 5 == 0, force: index % 3 == 0)
            case .failover: .failover(node, force: index % 3 == 0)
            case .failoverFrom: .failoverFrom(node, force: index % 3 == 0)
            case .rollingRestart: .rollingRestart(restoreRoles: index % 2 == 0, force: index % 3 == 0)
            case .pause: .pause(index % 2 == 0 ? nil : .seconds(2))
            case .resume: .resume
            case .cancel: .cancel("\(record.operations.last(where: \.isOpen)?.id ?? record.nextOperation)")
            }
        do throws(Failure) {
            var admission = Admission(record, current.spec, current.decision.assessment, seeing: current.seen)
            let operation = try admission.admit(command, key: key)
            tell("\(command): operation \(operation.id) \(operation.state) \(operation.currentStep?.words ?? "")")
            current.admit(admission.record)
            cycle = current
            turn()
        } catch {
            tell("\(command) is refused: \(error.message)")
        }
    }

    /// The operator follows the hint of `end-unproven`: clusterd may inspect every process from now on; false if there
    /// is no such finding.
    func showProcesses() -> Bool {
        guard host.guise != .plain, cycle?.decision.findings.contains(where: { $0.code == .endUnproven }) == true
        else { return false }
        tell("the operator lets clusterd look at every process")
        host.guise = .plain
        return true
    }

    /// The operator confirms the offered file repairs; false if there are none.
    func acceptRepairs() -> Bool {
        guard var current = cycle, let record = current.record else { return false }
        let offered = current.decision.findings.compactMap(\.repair).filter {
            if case .repairAppendOnly = $0 { true } else { false }
        }
        guard !offered.isEmpty else { return false }
        do throws(Failure) {
            var admission = Admission(record, current.spec, current.decision.assessment, seeing: current.seen)
            admission.offered = offered
            let operation = try admission.admit(.fix(offered.map(\.id)), key: "fix at \(now.nanoseconds)")
            tell("fix: operation \(operation.id) \(operation.state)")
            current.admit(admission.record)
            cycle = current
            turn()
        } catch {
            tell("fix is refused: \(error.message)")
        }
        return true
    }
}
