import ClusterModel
import Planner

/// The wall clock of the simulated host. NTP or an operator sets it; the monotonic clock continues.
struct SimulatedClock {
    private static let start: Int64 = 1_700_000_000_000

    /// The offset from where it would be if it had never been set.
    private(set) var offset = Duration.zero
    /// A separate random stream: a seed whose clock is never set takes no number from it.
    var random: SplitMix64
    /// The number of promotions still to be followed by a step, while the order may be pending in its replica.
    var stepsAtPromotions = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed ^ 0xC10C_0000_57E9) }

    func wall(_ now: Moment) -> WallTime {
        WallTime(milliseconds: Self.start + now.nanoseconds / 1_000_000 + offset.inMilliseconds)
    }

    mutating func step(by time: Duration) { offset += time }

    /// A step forward or back by a second, up to a minute, an hour, or a day.
    mutating func nextStep() -> Duration {
        let size: Duration =
            switch Int.random(in: 0..<8, using: &random) {
            case 0...1: .seconds(1)
            case 2...3: .milliseconds(Int.random(in: 1000...60_000, using: &random))
            case 4...6: .seconds(3600)
            default: .seconds(86_400)
            }
        return Bool.random(using: &random) ? size : .zero - size
    }

    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(Int.random(in: range, using: &random))
    }
}

extension World {
    var wall: WallTime { clock.wall(now) }

    func stepClock(by time: Duration) {
        clock.step(by: time)
        tell("the wall clock is set \(time < .zero ? "back" : "forward") by \(time < .zero ? .zero - time : time)")
    }

    /// In some cases the clock is set while the order is in transit, or pending in a stopped replica.
    func stepClockSoon(after effect: Effect) {
        guard case .promote = effect, clock.stepsAtPromotions > 0 else { return }
        clock.stepsAtPromotions -= 1
        let due = now + clock.milliseconds(0...2000)
        queue.add(.fault(.stepClock(clock.nextStep())), at: due)
    }
}

extension Scenario {
    /// In a quarter of the seeds, and in none of the regression seeds.
    static func stepsClock(_ seed: UInt64) -> Bool { seed % 4 == 1 }

    /// The clock is set one to three times while other faults occur, and during a promotion.
    func planClockSteps(_ world: World) {
        guard Self.stepsClock(seed) else { return }
        world.clock.stepsAtPromotions = Int.random(in: 0...2, using: &world.clock.random)
        for _ in 0..<Int.random(in: 1...3, using: &world.clock.random) {
            let due = world.now + world.clock.milliseconds(0...6000)
            world.queue.add(.fault(.stepClock(world.clock.nextStep())), at: due)
        }
    }

    /// The host was off, and its clock has changed.
    func stepClockBetweenLives(_ world: World) {
        if Self.stepsClock(seed), seed % 3 == 0 { world.stepClock(by: world.clock.nextStep()) }
    }
}
