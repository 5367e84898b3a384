extension ExitReason {
    /// A cause as a predicate: `was killed by SIGKILL`, `exited with code 1`. It changes the words alone.
    package static func past(_ cause: String) -> String { cause.hasPrefix("killed") ? "was \(cause)" : cause }
}
