import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

struct ReexecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reexec",
        abstract: "Upgrade the running daemon in place to the program on disk.",
        discussion: """
            PID, nodes, lock and socket persist, and requests during the upgrade are answered a moment later. Tries the program on \
            disk first: if it could not take over, nothing changes. Returns when the new daemon answers. The new daemon reads the \
            configuration again, as at any start. SIGUSR2 does the same.

            clusterd reexec
            clusterd reexec --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document at the end.") var json = false
    @Option(help: ArgumentHelp("How long to wait for the new daemon.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)

    /// How long to wait for an answer after the process has exited: systemd may start another one.
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
            Output.result("upgraded  clusterd \(reexec.before.version) to \(now.version), pid \(now.pid)")
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
                "too-old", "the running clusterd is too old for an upgrade in place",
                hint: "clusterd detach, then start it again: the nodes keep running")
        }
    }

    /// The daemon that answers after the upgrade.
    private func successor(
        _ reexec: ReexecDocument, _ client: ControlClient, until deadline: ContinuousClock.Instant
    ) throws(Failure) -> StatusDocument.Daemon {
        let before = reexec.before
        var goneSince: ContinuousClock.Instant?
        while true {
            if let now = try? client.get(.status, StatusDocument.self, timeout: .seconds(2)).cluster.daemon {
                if now.pid == before.pid, now.startedAt != before.startedAt { return now }
                guard now.pid == before.pid else {
                    throw failed(
                        "clusterd \(reexec.version) exited while taking over; pid \(now.pid) was started since")
                }
                if let why = refusal(reexec, client) { throw failed(why) }
            } else if kill(before.pid, 0) != 0, errno == ESRCH {
                goneSince = goneSince ?? ContinuousClock.now
            }
            if let goneSince, ContinuousClock.now - goneSince > Self.absence {
                throw failed(
                    "clusterd \(reexec.version) exited while taking over, and no daemon answers; the nodes keep running"
                )
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "timeout", "clusterd \(reexec.version) does not answer yet", hint: "clusterd status")
            }
            Pause.brief()
        }
    }

    /// Why the old daemon continues instead, once it has reported a reason.
    private func refusal(_ reexec: ReexecDocument, _ client: ControlClient) -> String? {
        let query = EventQuery(after: reexec.lastEvent)
        let events = try? client.get(.events(query, follows: false), EventsDocument.self, timeout: .seconds(2))
        return events?.events.last { $0.code == "reexec-refused" }?.message
    }

    private func failed(_ words: String) -> Failure {
        Failure("not-replaced", words, hint: "clusterd events")
    }
}
