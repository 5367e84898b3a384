extension Failure {
    /// The exit status of a command (docs/commands.md, "Exit codes").
    package enum ExitCode {
        package static let done: Int32 = 0
        /// Down, unhealthy (`check`), or the operation failed.
        package static let failed: Int32 = 1
        /// No daemon answers.
        package static let noDaemon: Int32 = 3
        /// Refused because it could lose data or availability; the error says what to add.
        package static let refused: Int32 = 4
        /// EX_USAGE of sysexits.h.
        package static let usage: Int32 = 64
        /// EX_NOPERM of sysexits.h.
        package static let noPermission: Int32 = 77
        /// EX_CONFIG of sysexits.h.
        package static let configuration: Int32 = 78
        /// The time limit passed, as with timeout(1).
        package static let timeout: Int32 = 124
        /// `exec`: the cluster did not come up; as with env(1), 126 and 127 belong to the command.
        package static let notStarted: Int32 = 125
        /// The client was interrupted: 128 + SIGINT.
        package static let interrupted: Int32 = 130

        /// The exit status of an error, by its code.
        static func of(_ code: String) -> Int32 {
            switch code {
            case "no-daemon": noDaemon
            case "cluster-not-serving", "keys-without-cluster", "made-for-a-command", "master-down", "master-silent",
                "no-replica", "node-reset", "not-confirmed", "other-databases", "replica-empty", "replica-not-in-sync",
                "plan-stale", "second-node", "slot-open", "slot-two-owners", "slots-uncovered", "target-full",
                "target-not-empty", "too-few-masters", "two-clusters", "writes-would-stop":
                refused
            case "ambiguous-cluster", "ambiguous-node", "bad-request", "not-asked", "nothing-to-choose",
                "same-shard", "shape-differs", "slots-not-owned", "too-old", "unknown-node", "unknown-operation",
                "unknown-path", "unknown-quarantine", "usage", "wrong-method", "wrong-name":
                usage
            case "no-certificate", "no-permission", "not-here", "not-yours": noPermission
            case "configuration", "engine-too-old", "folder-read-only", "name-too-long", "no-engine", "no-user",
                "open-files", "other-folder", "record-newer", "settings-without-node", "socket-unit",
                "tls-differs":
                configuration
            case "timeout": timeout
            default: failed
            }
        }
    }
}
