import ArgumentParser
import ControlAPI
import ControlClient
import Glibc

struct ReexecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reexec",
        abstract: "Replace the running daemon by the program now on disk.",
        discussion: """
            In place: the process, its nodes, its lock and its socket stay, and who asks meanwhile is answered a moment later. The \
            program on disk is tried first; one that could not take over changes nothing. Returns when the new one answers. The \
            configuration is read again by it, as at any start. SIGUSR2 does the same.

            clusterd reexec
            clusterd reexec --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait for the new one.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)

    /// How long nobody may answer where the process has ended: systemd starts another one.
    private static let absence = Duration.seconds(10)

    func run() throws {
        do throws(Failure) {
            let client = try daemon.client()
            let deadline = ContinuousClock.now + timeout.duration
            let reexec = try ask(client)
            Output.note("cluster   \(reexec.cluster)")
            Output.note("tried     \(reexec.program) is clusterd \(reexec.version), and can take over")
            let now = try successor(reexec, client, until: deadline)
            if json {
                return Output.result((try? ControlJSON.encode(ReplacedDocument(reexec, by: now))) ?? [])
            }
            Output.result("replaced  clusterd \(reexec.before.version) by \(now.version), pid \(now.pid)")
        } catch {
            throw error.json(json)
        }
    }

    private func ask(_ client: ControlClient) throws(Failure) -> ReexecDocument {
        do throws(Failure) {
            return try client.get(.reexec, ReexecDocument.self, timeout: timeout.duration)
        } catch {
            guard error.code == "unknown-path" else { throw error }
            throw Failure(
                "too-old", "the clusterd that runs is too old to be replaced in place",
                hint: "clusterd detach, then start it again: the nodes go on running",
                exit: ControlAPI.ExitCode.usage)
        }
    }

    /// Who answers in place of the one that was asked.
    private func successor(
        _ reexec: ReexecDocument, _ client: ControlClient, until deadline: ContinuousClock.Instant
    ) throws(Failure) -> StatusDocument.Daemon {
        let before = reexec.before
        var goneSince: ContinuousClock.Instant?
        while true {
            if let now = try? client.get(.status, StatusDocument.self, timeout: .seconds(2)).cluster.daemon {
                if now.pid == before.pid, now.startedAt != before.startedAt { return now }
                guard now.pid == before.pid else {
                    throw failed("clusterd \(reexec.version) ended when it took over; pid \(now.pid) was started since")
                }
                if let why = refusal(reexec, client) { throw failed(why) }
            } else if kill(before.pid, 0) != 0, errno == ESRCH {
                goneSince = goneSince ?? ContinuousClock.now
            }
            if let goneSince, ContinuousClock.now - goneSince > Self.absence {
                throw failed(
                    "clusterd \(reexec.version) ended when it took over, and nobody answers; the nodes go on running")
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "clusterd \(reexec.version) does not answer yet", hint: "clusterd status",
                    exit: ControlAPI.ExitCode.timeout)
            }
            Pause.brief()
        }
    }

    /// Why the one that was asked goes on all the same, once it has said so.
    private func refusal(_ reexec: ReexecDocument, _ client: ControlClient) -> String? {
        let query = EventQuery(after: reexec.lastEvent)
        let events = try? client.get(.events(query, follows: false), EventsDocument.self, timeout: .seconds(2))
        return events?.events.last { $0.code == "reexec-refused" }?.message
    }

    private func failed(_ words: String) -> Failure {
        Failure("not-replaced", words, hint: "clusterd events", exit: ControlAPI.ExitCode.failed)
    }
}
