import ClusterModel
import ControlAPI
import ControlServer
import HostDriver
import Orchestrator
import Planner

/// Answers what comes over the control socket.
struct RequestHandler: Sendable {
    let orchestrator: Orchestrator<HostDriver>
    let inbox: Inbox
    let reload: Reload
    let driver: HostDriver
    let pulse: LoopPulse
    let timeline: Timeline

    func answer(_ request: ControlRequest, _ peer: Peer?) async -> ControlResponse {
        switch request {
        case .status: return .document(await orchestrator.status())
        case .check: return .document(await orchestrator.check())
        case .operations: return .document(OperationsDocument(await orchestrator.operations()))
        case .operation(let id): return await operation(id)
        case .restartNode(let node, let options, let key): return await restart(node, options, key)
        case .events(let query, let follows):
            let query = query.fixed(at: driver.wall())
            return follows
                ? .lines(timeline.log.follow(query))
                : ControlResponse(status: 200, body: .document(EventsDocument.bytes(timeline.log.lines(query)) + [10]))
        case .stop:
            timeline.stopAsked(by: .peer(peer))
            inbox.post(.wish(.stop(asked: driver.now(), kill: false)))
            return .document(await orchestrator.status(), status: 202)
        case .detach:
            timeline.detachAsked(by: .peer(peer))
            inbox.post(.wish(.detach))
            return .document(await orchestrator.status(), status: 202)
        case .reload:
            switch reload.prepare(for: .peer(peer)) {
            case .failure(let failure):
                return .error(
                    ControlError(failure.code, failure.message, hint: failure.hint, exit: failure.exit), status: 409)
            case .success(let plan): return .document(await orchestrator.reload(plan))
            }
        case .livez: return .probe(ProbeDocument(reasons: pulse.complaints(at: driver.now())))
        case .metrics: return .metrics(MetricsPage(await orchestrator.status()).text)
        case .servingz:
            let assessment = await orchestrator.assessment
            return .probe(
                ProbeDocument(
                    reasons: assessment.serving
                        ? [] : ["\(assessment.slotsCovered) of \(SlotSet.slotCount) slots are served"]))
        case .readyz:
            let (assessment, waits) = (await orchestrator.assessment, await orchestrator.waits)
            return .probe(ProbeDocument(reasons: assessment.ready ? [] : waits.isEmpty ? ["not ready"] : waits))
        }
    }

    private func operation(_ id: String) async -> ControlResponse {
        guard let operation = await orchestrator.operations().first(where: { $0.id == id }) else {
            return .error(
                ControlError("unknown-operation", "there is no operation '\(id)'", exit: ControlAPI.ExitCode.usage),
                status: 404)
        }
        return .document(operation)
    }

    private func restart(_ node: String, _ options: RestartOptions, _ key: String?) async -> ControlResponse {
        do {
            let operation = try await orchestrator.restart(
                RestartRequest(
                    node: node, noFailover: options.noFailover, restoreRoles: options.restoreRoles,
                    force: options.force,
                    idempotencyKey: key))
            return .document(operation, status: 202)
        } catch {
            let refusal = error
            let error = ControlError(refusal.code, refusal.message, hint: refusal.hint, exit: refusal.exit)
            return .error(error, status: refusal.exit == ControlAPI.ExitCode.usage ? 404 : 409)
        }
    }
}
