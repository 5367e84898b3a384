import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what happened to the cluster, when and why, and what clusterd did about it.",
        discussion: """
            Without options, shows the last 100 events, oldest first. With --since, shows all events from then on, at most 10000. \
            With --follow, continues when another daemon replaces the running one.

            clusterd events
            clusterd events -f
            clusterd events --since 10m
            clusterd events --since 2026-01-01T12:00:00Z --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(name: [.customShort("f"), .long], help: "Keep running and print each event as it happens.") var follow = false
    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Show only the last N events.", valueName: "n"))
    var lines: Int?
    @Option(
        help: ArgumentHelp(
            "Show only events since a time, or since a duration ago: 10m, 2026-01-01T12:00:00Z.", valueName: "time"))
    var since: SinceArgument?
    @Flag(help: "Print JSON: one document, or with -f one a line.") var json = false

    /// How long to wait for a daemon that went away. An upgrade in place takes less time.
    private static let patience = Duration.seconds(10)

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("-n must not be negative, but is \(lines)") }
    }

    func run() throws {
        do {
            let query = EventQuery(count: lines ?? (since == nil ? (follow ? 10 : 100) : nil), since: since?.since)
            if follow { try goOn(query) } else { try look(query) }
        } catch let failure as Failure {
            throw withPlace(failure).json(json)
        }
    }

    private func look(_ query: EventQuery) throws {
        let client = try daemon.client()
        let answer = try client.send(.events(query, follows: false), timeout: .seconds(60))
        let document = try answer.decode(EventsDocument.self)
        if json { return Output.result(answer.body) }
        for event in document.events { Output.result(show(event)) }
    }

    private func goOn(_ query: EventQuery) throws {
        ReaderWatch.start()
        var query = query
        let client = try daemon.client()
        var last: EventDocument?
        var goneSince: ContinuousClock.Instant?
        while true {
            do throws(Failure) {
                try client.follow(.events(query, follows: true)) { line in
                    goneSince = nil
                    guard let event = try? ControlJSON.decode(EventDocument.self, from: Array(line)) else { return }
                    last = event
                    query = EventQuery(after: event.seq)
                    Output.result(json ? String(decoding: line, as: UTF8.self) : show(event))
                }
            } catch {
                // The daemon answered a moment ago.
                guard let goneSince, error.exit == ControlAPI.ExitCode.noDaemon else { throw error }
                guard ContinuousClock.now - goneSince < Self.patience else { throw error }
                Pause.brief()
                continue
            }
            if last?.isEndOfCluster == true { return Output.note("clusterd has exited: no more events will follow") }
            goneSince = goneSince ?? ContinuousClock.now
            Pause.brief()
        }
    }

    private func show(_ event: EventDocument) -> String {
        EventText(event, zone: LocalTime.civil, color: Output.hasColor, isTerminal: Terminal.isThere).text
    }

    private func withPlace(_ failure: Failure) -> Failure {
        guard failure.exit == ControlAPI.ExitCode.noDaemon else { return failure }
        let files = daemon.dataFolders.map { $0 + "/events.jsonl" }
        guard let file = files.first(where: { access($0, R_OK) == 0 }) else { return failure }
        var failure = failure
        failure.hint = "read the events in \(file), one a line"
        return failure
    }
}

extension EventDocument {
    /// Whether the daemon stopped every node, or refused to run: no other daemon follows automatically.
    fileprivate var isEndOfCluster: Bool {
        guard code == "daemon-ended", case .object(let data)? = data else { return false }
        return data["how"] == .string("stopped") || data["how"] == .string("refused")
    }
}

/// A point in time on the command line: RFC 3339, or a duration before now.
struct SinceArgument: ExpressibleByArgument {
    var since: EventQuery.Since

    init?(argument: String) {
        guard let since = EventQuery.Since(argument) else { return nil }
        self.since = since
    }
}
