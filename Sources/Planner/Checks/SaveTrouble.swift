/// Why a save in the background did not begin: the engine says it in its log, and answers `ERR` alone.
package enum SaveTrouble {
    private static let mark = "Can't save in background"

    /// The engine's last words on it; nil: there are none in these lines of its log.
    package static func words(_ log: [String]) -> String? {
        log.last { $0.contains(mark) }.flatMap { line in
            line.indices.first { line[$0...].hasPrefix(mark) }.map { String(line[$0...]) }
        }
    }

    /// What helps where the process could not be forked; nil: that was not it.
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
