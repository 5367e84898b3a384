import ClusterModel
import Planner
import Testing

/// A stop while an append-only file cannot be written. Invariant: clean-stop.
extension StopTests {
    /// A dump would not help: the next start loads the append-only file.
    @Test func aNodeIsNotStoppedBeforeItsAppendOnlyFileHasAllWrites() {
        var scene = stopping { $0.answer("7004") { $0.persistence.lastAppendOK = false } }
        #expect(savings(scene.decide())["7004"] == nil)
        #expect(scene.decide().waits.contains(.appendOnlyFile(of: "7004")))
        scene.pass(.seconds(1))
        scene.answer("7004")
        #expect(savings(scene.decide())["7004"] == .asConfigured)
    }

    @Test func aStopIsRefusedIfAnAppendOnlyFileCannotBeWritten() {
        var scene = stopping { $0.answer("7004") { $0.persistence.lastAppendOK = false } }
        for _ in 0..<120 where scene.decide().end == nil {
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                if case .ask("7004", _) = effect { continue }
                scene.perform(effect)
            }
            scene.pass(.seconds(1))
            for name in scene.processes.keys.sorted() {
                scene.answer(name) { if name == "7004" { $0.persistence.lastAppendOK = false } }
            }
        }
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .notStopped && refusal?.exit == 1)
        #expect(refusal?.message.contains("7004: its append-only file cannot be written") == true)
        #expect(refusal?.hint?.hasPrefix("make room for the append-only file in ") == true)
        #expect(scene.processes.keys.contains("7004"))
    }
}
