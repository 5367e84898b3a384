/// Why a background save did not start: the engine writes the reason to its log and answers only `ERR`.
package enum SaveTrouble {
    private static let mark = "Can't save in background"

    /// The engine's last log line about it; nil: these lines have none.
    package static func words(_ log: [String]) -> String? {
        log.last { $0.contains(mark) }.flatMap { line in
            line.indices.first { line[$0...].hasPrefix(mark) }.map { String(line[$0...]) }
        }
    }

    /// The remedy if the process could not be forked; nil: the cause is another one.
    static func hint(_ words: String) -> String? {
        guard words.contains("fork: ") else { return nil }
        if words.contains("Cannot allocate memory") {
            return "sysctl vm.overcommit_memory=1; or give the host more memory"
        }
        if words.contains("Resource temporarily unavailable") {
            return "raise the process limit: TasksMax= of the service, or ulimit -u of the user"
        }
        return nil
    }
}
