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
    private let timeline: Timeline
    private let interrupts = Mutex(0)

    init(
        mode: Daemon.Mode, inbox: Inbox, driver: HostDriver, reporter: Reporter, reload: Reload, timeline: Timeline
    ) {
        self.mode = mode
        self.inbox = inbox
        self.driver = driver
        self.reporter = reporter
        self.reload = reload
        self.timeline = timeline
    }

    func start() {
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]) { self.received($0) }
    }

    private func received(_ signal: Int32) {
        switch signal {
        case SIGINT: interrupted()
        case SIGTERM: stop(.signal("SIGTERM"))
        case SIGHUP where mode == .up: stop(.signal("SIGHUP"))
        case SIGHUP: reload.perform(for: .signal("SIGHUP"))
        case SIGUSR1:
            timeline.detachAsked(by: .signal("SIGUSR1"))
            inbox.post(.wish(.detach))
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
            stop(.signal("SIGINT"))
        case 2: reporter.tellWhatRuns()
        default: stop(.signal("SIGINT"), kill: true)
        }
    }

    private func stop(_ who: Asker, kill: Bool = false) {
        timeline.stopAsked(by: who, kill: kill)
        inbox.post(.wish(.stop(asked: driver.now(), kill: kill)))
    }
}

/// Reads the configuration again.
final class Reload: Sendable {
    private let options: Daemon.Options
    private let driver: HostDriver
    private let inbox: Inbox
    private let reporter: Reporter
    private let timeline: Timeline

    init(_ options: Daemon.Options, driver: HostDriver, inbox: Inbox, reporter: Reporter, timeline: Timeline) {
        self.options = options
        self.driver = driver
        self.inbox = inbox
        self.reporter = reporter
        self.timeline = timeline
    }

    /// nil: done. Otherwise what is wrong; nothing was changed then.
    @discardableResult
    func perform(for who: Asker) -> Failure? {
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
            timeline.reloaded(by: who, nil)
            reporter.say("reload    the configuration was read again; directives hold from each node's next start")
            return nil
        } catch {
            timeline.reloaded(by: who, error)
            reporter.say("reload    refused: \(error.message)")
            return error
        }
    }
}
