import ArgumentParser
import ClusterModel
import Glibc
import ProcessSupervision

/// The program: the daemon (`run`, `up`) and the client of a running daemon (everything else).
@main
struct Clusterd: AsyncParsableCommand {
    static let programVersion = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "clusterd",
        abstract: "Run a Redis or Valkey cluster on your own machines.",
        discussion: """
            Start a cluster:     clusterd up
            Run a test suite:    clusterd exec -- pytest
            Show its status:     clusterd status
            Show what happened:  clusterd events
            Restart a node:      clusterd restart-node 7002
            Stop the cluster:    Ctrl-C, or clusterd stop
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Lifecycle",
                subcommands: [
                    UpCommand.self, ExecCommand.self, RunCommand.self, StopCommand.self, DetachCommand.self,
                    ReexecCommand.self, DestroyCommand.self,
                ]),
            CommandGroup(
                name: "Monitoring",
                subcommands: [
                    StatusCommand.self, CheckCommand.self, WaitCommand.self, EventsCommand.self, LogsCommand.self,
                    ListCommand.self,
                ]),
            CommandGroup(
                name: "Operating",
                subcommands: [
                    RestartNodeCommand.self, StartNodeCommand.self, StopNodeCommand.self, FailoverCommand.self,
                    RollingRestartCommand.self, ReshardCommand.self, RebalanceCommand.self, AddNodeCommand.self,
                    RemoveNodeCommand.self, PauseCommand.self, ResumeCommand.self, OperationsCommand.self,
                    CancelCommand.self, FixCommand.self, QuarantineCommand.self, BackupCommand.self,
                    RestoreCommand.self, ImportCommand.self,
                ]),
            CommandGroup(name: "Node access", subcommands: [CallCommand.self, ShellCommand.self]),
            CommandGroup(
                name: "Configuration",
                subcommands: [
                    ConfigCommand.self, ReloadCommand.self, PlanCommand.self, ApplyCommand.self, DoctorCommand.self,
                ]),
        ])

    @Flag(name: .long, help: "Show the version of clusterd and of the engine that it would use.")
    var version = false

    func run() async throws {
        if version { return VersionReport.print() }
        throw CleanExit.helpRequest(self)
    }

    /// How this process was started. Read before anything else.
    static let environment = CommandWord.environment
    static let offer = UpgradeHandoff.take()
    static let inheritance = Inheritance.take()

    static func main() async {
        _ = environment
        if case .ours(let inherited)? = offer { SignalWatch.hold(Signals.watched, repeating: inherited.signals) }
        _ = inheritance
        signal(SIGPIPE, SIG_IGN)
        do {
            if let failure = UsageError.unknownHelp(Array(CommandLine.arguments.dropFirst())) { throw failure }
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let end as CommandEnd {
            Glibc.exit(end.code)
        } catch let failure as Failure {
            failure.print()
            Glibc.exit(failure.exit)
        } catch  where exitCode(for: error).isSuccess {
            exit(withError: error)
        } catch {
            let message = message(for: error)
            if !message.isEmpty { UsageError.failure(message, Array(CommandLine.arguments.dropFirst())).print() }
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }
}
