import ClusterModel
import Planner
import Testing

/// Whether the daemon ordered the exit of a process: one answer for the timeline, the backoff and the status.
@Suite struct WasAskedTests {
    private static func process(_ pid: Int32) -> ProcessIdentity {
        ProcessIdentity(bootID: Scene.bootID, pid: pid, startTime: UInt64(pid))
    }

    private static func reason(_ kind: ExitReason.Kind) -> ExitReason {
        ExitReason(kind: kind, cause: "it ended", exit: nil)
    }

    struct End: CustomTestStringConvertible {
        var testDescription: String
        var order: Effect?
        var failure: String?
        var kind: ExitReason.Kind
        var isAsked: Bool
    }

    private static let contact = Effect.Contact(host: "127.0.0.1", port: 7000, process: process(1234))
    private static let shutdown = Effect.shutdown("7000", contact, .asConfigured)

    static let ends = [
        End(testDescription: "an exit without an order", kind: .clean, isAsked: false),
        End(testDescription: "SHUTDOWN", order: shutdown, kind: .clean, isAsked: true),
        End(testDescription: "SHUTDOWN of an adopted process", order: shutdown, kind: .unknown, isAsked: true),
        End(testDescription: "a crash during SHUTDOWN", order: shutdown, kind: .crashed, isAsked: false),
        End(
            testDescription: "a clean end after a SHUTDOWN that failed", order: shutdown, failure: "ERR", kind: .clean,
            isAsked: false),
        End(testDescription: "a foreign SIGKILL during SHUTDOWN", order: shutdown, kind: .killed, isAsked: false),
        End(
            testDescription: "SIGTERM", order: .signal("7000", process(1234), .terminate), kind: .clean, isAsked: true),
        End(testDescription: "SIGKILL", order: .signal("7000", process(1234), .kill), kind: .killed, isAsked: true),
        End(
            testDescription: "a hung node",
            order: .killHung("7000", process(1234), ProcessActivity(state: .stopped, cpuTicks: 5)), kind: .hung,
            isAsked: false),
        End(
            testDescription: "SHUTDOWN of another process with a longer pid",
            order: .shutdown("7000", .init(host: "127.0.0.1", port: 7000, process: process(12345)), .asConfigured),
            kind: .clean, isAsked: false),
        End(
            testDescription: "SHUTDOWN of another node",
            order: .shutdown("70001", .init(host: "127.0.0.1", port: 7000, process: process(1234)), .asConfigured),
            kind: .clean, isAsked: false),
    ]

    @Test(arguments: ends) func anExitIsRequestedOnlyIfItMatchesTheOrder(end: End) {
        var seen = Scene.settled().seen
        seen.effects = [:]
        if let order = end.order {
            seen.effects[order.key] = EffectHistory(
                node: order.node, began: .seconds(1), ended: .seconds(2), failure: end.failure)
        }
        #expect(seen.wasAsked("7000", Self.process(1234), Self.reason(end.kind)) == end.isAsked)
    }
}
