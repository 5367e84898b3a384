import ArgumentParser
import ControlAPI

struct RollingRestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rolling-restart",
        abstract: "Restart all nodes, one at a time, without rejecting a write.",
        discussion: """
            Restarts one shard at a time, the replicas before the master, which hands over first. Restarts the next node when the \
            previous one is in sync and all nodes agree. Stops at the first node that does not come back. Waits for 30m by default.

            For another engine: set engine.server, clusterd reload, then restart one replica with --canary, look at it, and restart the \
            others with --pending.

            clusterd rolling-restart
            clusterd rolling-restart --canary
            clusterd rolling-restart --pending --restore-roles
            """)

    @Flag(help: "Restart only nodes that run an older configuration or engine than the one on disk.") var pending =
        false
    @Flag(help: "Restart one replica that runs an older configuration or engine, and no other node.") var canary =
        false
    @Flag(help: "Make each former master the master again afterwards.") var restoreRoles = false
    @Flag(help: "Restart in place each master that no replica can replace; its slots are not served meanwhile.")
    var force =
        false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        try options.carryOut(
            .rollingRestart(pending: pending, restoreRoles: restoreRoles, force: force, canary: canary),
            within: .seconds(1800))
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Suspend automatic restarts and failovers.",
        discussion: """
            While paused, clusterd does not restart nodes that exit and does not promote replicas. Commands still work, nodes \
            still start when the host boots, and the engine's own failover stays on. A restart of clusterd does not end the pause.

            clusterd pause
            clusterd pause --for 15m
            clusterd pause --for forever
            """)

    @Option(
        help: ArgumentHelp("How long to pause: 15m, 2h, or forever.", valueName: "duration"),
        completion: .list(["15m", "1h", "8h", "forever"]))
    var `for`: PauseArgument = PauseArgument(duration: .seconds(3600))
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.pause(`for`.duration)) }
}

struct PauseArgument: ExpressibleByArgument {
    /// nil: no limit.
    var duration: Duration?

    init(duration: Duration) { self.duration = duration }

    init?(argument: String) {
        if argument == "forever" { return }
        guard let duration = DurationText.parse(argument), duration > .zero else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { "1h" }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "End a pause: resume automatic restarts and failovers.",
        discussion: "Starts nodes that exited during the pause, and replaces dead masters.\n\nclusterd resume")

    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.resume) }
}
