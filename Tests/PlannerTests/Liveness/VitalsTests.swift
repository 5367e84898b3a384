import ClusterModel
import Planner
import Testing

/// What is sampled of a silent process, and which samples count. Invariants: fresh-facts, no-unrequested-stop.
@Suite struct VitalsTests {
    private static let identity = ProcessIdentity(bootID: "boot", pid: 7, startTime: 1)

    private func look(
        _ state: ProcessActivity.State, ticks: UInt64 = 10, faults: UInt64 = 0, tracer: Int32? = nil,
        dying: Bool = false
    ) -> ProcessActivity {
        ProcessActivity(state: state, cpuTicks: ticks, majorFaults: faults, tracer: tracer, isBeingKilled: dying)
    }

    /// The node responded at 0; after that, one query a second gets no reply, and then this sample is taken.
    private func silence(_ looks: [ProcessActivity], refused: Bool = false, listening: Double = 0) -> Vitals {
        var vitals = Vitals(of: Self.identity)
        vitals.answered(look(.asleep), at: .seconds(0))
        for (index, look) in looks.enumerated() {
            vitals.unanswered(
                askedAt: .seconds(Double(index)), isRefused: refused, look, at: .seconds(Double(index + 1)),
                listening: .seconds(listening))
        }
        return vitals
    }

    @Test func theProcessStateIsDerivedFromTwoSamples() {
        #expect(silence([look(.stopped)]).doing == .stopped)
        #expect(silence([look(.traced, tracer: 9)]).doing == .traced(by: 9))
        #expect(silence([look(.asleep, tracer: 9)]).doing == .traced(by: 9))
        #expect(silence([look(.running)]).doing == .busy)
        #expect(silence([look(.asleep, ticks: 11)]).doing == .busy)
        #expect(silence([look(.uninterruptible, ticks: 11, faults: 4)]).doing == .swapping)
        #expect(silence([look(.uninterruptible)]).doing == .blocked)
        #expect(silence([look(.asleep)]).doing == .blocked)
        #expect(silence([look(.stopped, dying: true)]).doing == .dying)
    }

    @Test func durationsStartWithTheFirstSampleAndEndWithADifferentOne() {
        let stopped = silence([look(.stopped), look(.stopped), look(.stopped)])
        #expect(stopped.silentSince == .seconds(0) && stopped.stoppedSince == .seconds(1))
        #expect(silence([look(.stopped), look(.asleep), look(.stopped)]).stoppedSince == .seconds(3))
        let still = silence([look(.asleep), look(.asleep)])
        #expect(still.stillSince == .seconds(1) && still.stoppedSince == nil)
        // One tick of CPU time counts as work.
        #expect(silence([look(.asleep), look(.asleep, ticks: 11), look(.asleep, ticks: 11)]).stillSince == .seconds(3))
        #expect(silence([look(.asleep), look(.asleep)], refused: true).stillSince == nil)
    }

    @Test func anyReplyEndsTheSilenceAndIsRemembered() {
        var vitals = silence([look(.stopped)])
        vitals.answered(look(.asleep), at: .seconds(9))
        #expect(vitals.silentSince == nil && vitals.stoppedSince == nil && vitals.backSince == .seconds(9))
        vitals.answered(look(.asleep), at: .seconds(10))
        #expect(vitals.backSince == .seconds(9))
    }

    @Test func aQueryFromBeforeALateTurnProvesNothing() {
        let vitals = silence([look(.stopped), look(.stopped)], listening: 1)
        #expect(vitals.silentSince == .seconds(1) && vitals.stoppedSince == .seconds(2))
        var late = vitals
        late.startAnew()
        #expect(late.silentSince == nil && late.stoppedSince == nil && late.stillSince == nil)
        late.unanswered(
            askedAt: .seconds(2), isRefused: false, look(.asleep), at: .seconds(4), listening: .seconds(3))
        #expect(late.silentSince == nil)
        // The first sample after it has no earlier one to compare with.
        late.unanswered(
            askedAt: .seconds(4), isRefused: false, look(.asleep), at: .seconds(5), listening: .seconds(3))
        #expect(late.silentSince == .seconds(4) && late.stillSince == .seconds(5))
    }

    @Test func aPendingKillIsRememberedFromItsFirstSample() {
        let vitals = silence([look(.uninterruptible, dying: true), look(.uninterruptible, dying: true)])
        #expect(vitals.dyingSince == .seconds(1) && vitals.doing == .dying)
    }
}
