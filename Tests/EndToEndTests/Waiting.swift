/// Polls a condition until it holds or the limit passes: no test waits for a fixed time, all wait for a condition.
func eventually(
    within limit: Duration = .seconds(60), every pause: Duration = .milliseconds(20),
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if (try? await condition()) == true { return true }
        try? await Task.sleep(for: pause)
    }
    return false
}
