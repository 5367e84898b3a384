import ClusterModel
import ControlAPI
import ControlServer
import HostDriver
import NodeFiles
import Orchestrator
import Planner
import Synchronization

/// Answers the requests on the control socket.
struct RequestHandler: Sendable {
    let orchestrator: Orchestrator<HostDriver>
    let inbox: Inbox
    let reload: Reload
    let driver: HostDriver
    let pulse: LoopPulse
    let timeline: Timeline
    let reexec: Reexec

    func answer(_ request: ControlRequest, _ peer: Peer?) async -> ControlResponse {
        switch request {
        case .status: return .document(await orchestrator.status())
        case .check: return .document(await orchestrator.check())
        case .configuration: return .document(reload.inForce)
        case .operations: return .document(OperationsDocument(await orchestrator.operations()))
        case .operation(let id): return await operation(id)
        case .change(.apply(let request), let key): return await apply(request, key, peer)
        case .change(let change, let key): return await carryOut(change, key)
        case .events(let query, let follows):
            let query = query.fixed(at: driver.wall())
            return await onDisk(EventFile.path(driver.dataDirectory)) { [log = timeline.log] in
                follows
                    ? .lines(log.follow(query))
                    : ControlResponse(status: 200, body: .document(EventsDocument.bytes(log.lines(query)) + [10]))
            }
        case .fixPlan:
            let (cluster, findings) = await orchestrator.plan()
            return await onDisk(driver.dataDirectory) { [fixes] in .document(fixes.plan(cluster, findings)) }
        case .quarantine:
            return await onDisk(driver.heldBack.root) { [fixes] in .document(fixes.quarantine()) }
        case .removeQuarantine(let id):
            // No limit: the answer follows when everything is deleted.
            return await onDisk(driver.heldBack.root, limit: nil) { [fixes] in fixes.remove(id, by: .peer(peer)) }
        case .call(let call):
            do {
                return .document(try await calls.call(call))
            } catch {
                return .refused(error)
            }
        case .login(let node):
            do {
                return .document(try await calls.login(node))
            } catch {
                return .refused(error)
            }
        case .stop(let follows):
            return await end(.stop(asked: driver.now(), kill: false), follows) {
                timeline.stopAsked(by: .peer(peer))
            }
        case .detach(let follows): return await end(.detach, follows) { timeline.detachAsked(by: .peer(peer)) }
        case .reload:
            switch await reload.prepared(for: .peer(peer)) {
            case .failure(let failure): return .error(failure, status: 409)
            case .success(let plan): return .document(await orchestrator.reload(plan))
            }
        case .reexec:
            switch await reexec.ask(.peer(peer)) {
            case .failure(let failure): return .error(failure, status: 409)
            case .success(let document): return .document(document, status: 202)
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
            return .probe(
                ProbeDocument(
                    reasons: assessment.ready
                        ? [] : waits.isEmpty ? ["for every node to reach its wanted state"] : waits))
        }
    }

    private var fixes: FixHandler { FixHandler(orchestrator: orchestrator, driver: driver, timeline: timeline) }
    private var calls: CallHandler { CallHandler(orchestrator: orchestrator, driver: driver) }

    private func end(_ intent: Observation.DaemonIntent, _ follows: Bool, noting note: () -> Void) async
        -> ControlResponse
    {
        do {
            try await orchestrator.admitEnd()
        } catch {
            return .refused(error)
        }
        let events = follows ? timeline.log.follow(EventQuery(after: timeline.log.last)) : nil
        note()
        inbox.post(.intent(intent))
        if let events { return .lines(events) }
        return .document(await orchestrator.status(), status: 202)
    }

    /// Reads files for a request. A few lanes share the requests, which limits the threads that wait while a disk hangs.
    private func onDisk(
        _ path: String, limit: Duration? = readLimit, _ read: @escaping @Sendable () -> ControlResponse
    ) async -> ControlResponse {
        let lane = "request \(Self.requests.add(1, ordering: .relaxed).newValue % Self.lanes)"
        let order = FileWork.Order(lane, "reading", path, patience: Self.readLimit)
        return await driver.files.run(order, limit: limit, read)
            ?? .error(
                Failure(
                    "disk-hangs", "the disk of \(path) does not answer",
                    hint: "findmnt -T \(ShellWord.quoted(path))"),
                status: 503)
    }

    private static let requests = Atomic<UInt>(0)
    private static let lanes: UInt = 8
    private static let readLimit = Duration.seconds(60)

    private func operation(_ id: String) async -> ControlResponse {
        guard let operation = await orchestrator.operations().first(where: { $0.id == id }) else {
            return .error(
                Failure("unknown-operation", "there is no operation '\(id)'"),
                status: 404)
        }
        return .document(operation)
    }

    /// The configuration on disk is what is planned, and what is applied.
    private func apply(_ request: Command.Apply, _ key: String?, _ peer: Peer?) async -> ControlResponse {
        switch request.dryRun ? await reload.preview() : await reload.prepared(for: .peer(peer)) {
        case .failure(let failure): return .error(failure, status: 409)
        case .success(let plan):
            do {
                if !request.dryRun { _ = await orchestrator.reload(plan) }
                var document = try await orchestrator.change(
                    .apply(request), key: key, wanting: request.dryRun ? plan.spec : nil)
                document.notes = plan.notes
                return .document(document, status: request.dryRun ? 200 : 202)
            } catch {
                return .refused(error)
            }
        }
    }

    private func carryOut(_ command: Command, _ key: String?) async -> ControlResponse {
        do {
            // Reads again what needs a restart: files and programs may have been replaced a moment ago.
            if case .rollingRestart(let pending, _, _, let canary) = command, pending || canary {
                _ = await orchestrator.check()
            }
            return .document(try await orchestrator.change(command, key: key), status: 202)
        } catch {
            return .refused(error)
        }
    }
}

extension ControlResponse {
    /// 404 if the request names what does not exist.
    static func refused(_ failure: Failure) -> ControlResponse {
        .error(failure, status: failure.exit == ControlAPI.ExitCode.usage ? 404 : 409)
    }
}
