import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import ProcessSupervision
import Synchronization

/// The options of all commands that start an operation.
struct ChangeOptions: ParsableArguments {
    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print the operation as one JSON document at the end.") var json = false
    @Option(
        help: ArgumentHelp(
            "How long to wait [60s; rolling-restart, reshard, rebalance, add-node, remove-node, apply 30m; backup 1h]; the operation continues "
                + "after that.",
            valueName: "duration"))
    var timeout: TimeoutArgument?

    /// Requests the plan of a change, which is not carried out.
    func plan(_ change: Command) throws -> OperationDocument {
        do throws(Failure) {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            Output.note("cluster   \(status.cluster.name)")
            return try client.get(.change(change, idempotencyKey: nil), OperationDocument.self)
        } catch {
            throw error.json(json)
        }
    }

    /// Requests the change, shows its progress, and returns when it is done.
    func carryOut(_ change: Command, within usual: Duration = .seconds(60)) throws {
        do {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            Output.note("cluster   \(status.cluster.name)")
            let key = "\(getpid())-\(UInt64.random(in: 0 ... .max))"
            let interruption = Interruption("the operation may be running: clusterd operations")
            let operation = try client.get(.change(change, idempotencyKey: key), OperationDocument.self)
            try Following(client, json: json).follow(operation, for: timeout?.duration ?? usual, interruption)
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }
}

/// The message of an interrupted client before it exits: the daemon continues the operation.
final class Interruption: Sendable {
    private let words: Mutex<String>

    init(_ words: String = "") {
        self.words = Mutex(words)
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP]) { [self] _ in
            self.words.withLock { Output.note($0) }
            Glibc.exit(ControlAPI.ExitCode.interrupted)
        }
    }

    func say(_ text: String) { words.withLock { $0 = text } }
}

/// Follows one operation to its end: prints each new step to stderr and, on request, the document to stdout. The daemon carries
/// out the operation, and continues without this client.
struct Following {
    private let client: ControlClient
    private let json: Bool

    /// How long to wait for a daemon that does not answer, for example during an upgrade.
    private static let absence = Duration.seconds(10)

    init(_ client: ControlClient, json: Bool) {
        self.client = client
        self.json = json
    }

    func follow(
        _ first: OperationDocument, for limit: Duration, _ interruption: Interruption = Interruption()
    ) throws {
        let commands = "clusterd operations \(first.id) · clusterd cancel \(first.id)"
        interruption.say("still running: \(commands)")
        let operation = try end(of: first, until: ContinuousClock.now + limit, commands)
        if json { Output.result((try? ControlJSON.encode(operation)) ?? []) }
        switch operation.state {
        case .done: break
        case .cancelled:
            throw Failure(
                "operation-cancelled", "operation \(operation.id) (\(operation.title)) was cancelled",
                hint: "clusterd status")
        default:
            throw Failure(
                "operation-failed", "\(operation.title): \(operation.error ?? "it failed")",
                hint: "clusterd status")
        }
    }

    private func end(
        of first: OperationDocument, until deadline: ContinuousClock.Instant, _ commands: String
    ) throws -> OperationDocument {
        var operation = first
        var shown = Set<OperationDocument.Step>()
        while true {
            for step in operation.steps where shown.insert(step.asBegun).inserted {
                Output.note("          \(step.text)")
            }
            if operation.state.hasEnded { return operation }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "operation \(operation.id) continues: \(operation.step ?? "it has not started yet")",
                    hint: commands)
            }
            Pause.brief()
            operation = try look(first.id, until: deadline, commands)
        }
    }

    /// Waits for a daemon that went away: when it is back, it continues the operation.
    private func look(
        _ id: String, until deadline: ContinuousClock.Instant, _ commands: String
    ) throws -> OperationDocument {
        let limit = min(deadline, ContinuousClock.now + Self.absence)
        var isSaid = false
        while true {
            do throws(Failure) {
                return try client.get(.operation(id: id), OperationDocument.self)
            } catch {
                guard error.exit == ControlAPI.ExitCode.noDaemon else { throw error }
                guard ContinuousClock.now < limit else {
                    throw Failure(
                        error.code, "\(error.message); operation \(id) continues when clusterd runs again",
                        hint: commands, exit: error.exit)
                }
                if !isSaid { Output.note("          clusterd does not answer; waiting for it") }
                isSaid = true
                Pause.brief()
            }
        }
    }
}

extension OperationDocument {
    /// `restart-node 7002`.
    var title: String { node.map { "\(kind) \($0)" } ?? kind }
}

extension OperationDocument.Step {
    /// The same step without its outcome.
    fileprivate var asBegun: Self { .init(text: text, at: at, state: .running) }
}
