import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "What happened to the cluster: when, why, and what was done about it.",
        discussion: """
            Without options: the last 100 events, oldest first. With --since: all from then on, 10000 at most. Following goes \
            on when the daemon is replaced by another.

            clusterd events
            clusterd events -f
            clusterd events --since 10m
            clusterd events --since 2026-01-01T12:00:00Z --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(name: [.customShort("f"), .long], help: "Go on, and print each event when it happens.") var follow = false
    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("The last so many.", valueName: "n")) var lines: Int?
    @Option(help: ArgumentHelp("From a time on, or so long ago: 10m, 2026-01-01T12:00:00Z.", valueName: "time"))
    var since: SinceArgument?
    @Flag(help: "Print JSON: one document, or with -f one a line.") var json = false

    /// How long a daemon that is gone is waited for: one that is replaced is back sooner.
    private static let patience = Duration.seconds(10)

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("-n takes a number of events, not \(lines)") }
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
        do throws(ControlError) {
            let answer = try client.send(.events(query, follows: false), timeout: .seconds(60))
            let document = try answer.decode(EventsDocument.self)
            if json { return Output.result(answer.body) }
            for event in document.events { Output.result(show(event)) }
        } catch {
            throw Failure(error)
        }
    }

    private func goOn(_ query: EventQuery) throws {
        ReaderWatch.start()
        var query = query
        let client = try daemon.client()
        var last: EventDocument?
        var goneSince: ContinuousClock.Instant?
        while true {
            do throws(ControlError) {
                try client.follow(.events(query, follows: true)) { line in
                    goneSince = nil
                    guard let event = try? ControlJSON.decode(EventDocument.self, from: Array(line)) else { return }
                    last = event
                    query = EventQuery(after: event.seq)
                    Output.result(json ? String(decoding: line, as: UTF8.self) : show(event))
                }
            } catch {
                // It was there a moment ago.
                guard let goneSince, error.exit == ControlAPI.ExitCode.noDaemon else { throw Failure(error) }
                guard ContinuousClock.now - goneSince < Self.patience else { throw Failure(error) }
                Pause.brief()
                continue
            }
            if last?.isEndOfCluster == true { return Output.note("clusterd has ended: nothing more will happen here") }
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
        failure.hint = "what happened is in \(file), an event a line"
        return failure
    }
}

extension EventDocument {
    /// The daemon stopped every node, or refused to run: nobody comes after it by itself.
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
