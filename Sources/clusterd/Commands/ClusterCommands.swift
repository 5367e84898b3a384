import ArgumentParser
import ControlAPI

struct RollingRestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rolling-restart",
        abstract: "Restart every node, one after the other, without refusing a write.",
        discussion: """
            One shard at a time, its replicas before its master, which hands over first. The next node follows when the last one \
            is in sync and all nodes agree; it stops at the first that does not come back. Waits for 30m unless told otherwise.

            clusterd rolling-restart
            clusterd rolling-restart --pending --restore-roles
            """)

    @Flag(help: "Only nodes whose configuration or engine on disk is newer than what runs.") var pending = false
    @Flag(help: "Make each master master again afterwards.") var restoreRoles = false
    @Flag(help: "Restart masters that nobody can replace in place; their slots are not served meanwhile.") var force =
        false
    @OptionGroup var options: ChangeOptions

    func run() throws {
        try options.carryOut(
            .rollingRestart(pending: pending, restoreRoles: restoreRoles, force: force), within: .seconds(1800))
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let nothing happen by itself for a while.",
        discussion: """
            No node that ends is started again, and clusterd promotes no replica. What you ask for is done; a host that boots \
            starts its nodes; the engine's own failover stays on. It holds when clusterd is started anew.

            clusterd pause
            clusterd pause --for 15m
            clusterd pause --for forever
            """)

    @Option(
        help: ArgumentHelp("How long: 15m, 2h, or forever.", valueName: "duration"),
        completion: .list(["15m", "1h", "8h", "forever"]))
    var `for`: PauseArgument = PauseArgument(duration: .seconds(3600))
    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.pause(`for`.duration)) }
}

struct PauseArgument: ExpressibleByArgument {
    /// nil: for ever.
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
        abstract: "End a pause.",
        discussion: "Nodes that ended meanwhile are started, and dead masters replaced.\n\nclusterd resume")

    @OptionGroup var options: ChangeOptions

    func run() throws { try options.carryOut(.resume) }
}
