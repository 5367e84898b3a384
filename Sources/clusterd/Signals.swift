import ClusterModel
import Glibc
import HostDriver
import Orchestrator
import Planner
import ProcessSupervision
import Synchronization

/// Signals are wishes.
final class Signals: Sendable {
    private let mode: Daemon.Mode
    private let inbox: Inbox
    private let driver: HostDriver
    private let reporter: Reporter
    private let reload: Reload
    private let interrupts = Mutex(0)

    init(mode: Daemon.Mode, inbox: Inbox, driver: HostDriver, reporter: Reporter, reload: Reload) {
        self.mode = mode
        self.inbox = inbox
        self.driver = driver
        self.reporter = reporter
        self.reload = reload
    }

    func start() {
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]) { self.received($0) }
    }

    private func received(_ signal: Int32) {
        switch signal {
        case SIGINT: interrupted()
        case SIGTERM: stop(kill: false)
        case SIGHUP where mode == .up: stop(kill: false)
        case SIGHUP: reload.perform()
        case SIGUSR1: inbox.post(.wish(.detach))
        default:
            reporter.say("SIGUSR2: replacing the program in place is not built yet; use SIGUSR1 and start it again")
        }
    }

    private func interrupted() {
        let count = interrupts.withLock { count in
            count += 1
            return count
        }
        switch count {
        case 1:
            reporter.say("stopping  (Ctrl-C again shows what is still being saved)")
            stop(kill: false)
        case 2: reporter.tellWhatRuns()
        default: stop(kill: true)
        }
    }

    private func stop(kill: Bool) { inbox.post(.wish(.stop(asked: driver.now(), kill: kill))) }
}

/// Reads the configuration again.
final class Reload: Sendable {
    private let options: Daemon.Options
    private let driver: HostDriver
    private let inbox: Inbox
    private let reporter: Reporter

    init(_ options: Daemon.Options, driver: HostDriver, inbox: Inbox, reporter: Reporter) {
        self.options = options
        self.driver = driver
        self.inbox = inbox
        self.reporter = reporter
    }

    /// nil: done. Otherwise what is wrong; nothing was changed then.
    @discardableResult
    func perform() -> Failure? {
        reporter.reloading()
        defer { reporter.reloaded() }
        do throws(Failure) {
            let loaded = try Configuration.load(options.configuration, options.defaults, options.commandLine)
            if let record = reporter.record,
                let refusal = NodeOverrides.refusal(loaded.spec, nodes: NodeOverrides.names(record))
            {
                throw Failure(refusal)
            }
            _ = try Configuration.engine(for: loaded.spec)
            driver.configure(loaded.spec)
            inbox.post(.configured(loaded.spec))
            reporter.say("reload    the configuration was read again; directives hold from each node's next start")
            return nil
        } catch {
            reporter.say("reload    refused: \(error.message)")
            return error
        }
    }
}
