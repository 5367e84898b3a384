import ClusterModel

extension Operation {
    package struct Backup: Sendable, Equatable, Codable {
        /// The folder of all backups, absolute.
        package var directory: String
        /// How many complete backups of this cluster remain there; nil: all.
        package var keep: Int?
        /// nil: it waits for the masters.
        package var attempt: Attempt?

        package init(directory: String, keep: Int?) {
            self.directory = directory
            self.keep = keep
        }

        /// What one daemon makes. Another daemon knows nothing of its saves, and begins again in a new folder.
        package struct Attempt: Sendable, Equatable, Codable {
            /// Its boot, and when it began.
            package var daemon: Stamp
            package var began: Moment
            package var at: WallTime
            package var folder: String
            package var shards: [Shard]
            /// Every dump is open, and the masters were the same before the first save and after the last one.
            package var isConsistent = false
        }

        /// A master's process and term, and its slots.
        package struct Shard: Sendable, Equatable, Codable {
            package var node: NodeName
            package var id: NodeID
            package var process: ProcessIdentity
            package var epoch: UInt64
            package var slots: SlotSet
            package var libraries: Int64

            package var file: String { "\(node).rdb" }
        }
    }

    /// Whether the operator requested that older backups there are deleted.
    func prunes(_ place: Effect.BackupPlace, keep: Int) -> Bool {
        guard state == .running, case .backup(let backup) = kind else { return false }
        return backup.directory == place.directory && backup.keep == keep && backup.attempt?.folder == place.name
    }
}

extension Operation.Backup {
    /// `2026-01-01T00-00-00.000Z`: sorts by time, and needs no quotes in a shell or in a URL.
    static func folderName(_ time: WallTime) -> String {
        let civil = CivilTime(time)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let day = "\(civil.year)-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
        let clock = "\(padded(civil.hour, 2))-\(padded(civil.minute, 2))-\(padded(civil.second, 2))"
        return "\(day)T\(clock).\(padded(civil.millisecond, 3))Z"
    }

    /// Whether a folder has a name that `folderName` gives.
    package static func isFolderName(_ name: String) -> Bool {
        let form = "0000-00-00T00-00-00.000Z"
        return name.count == form.count
            && zip(name, form).allSatisfy { $1 == "0" ? $0.isASCII && $0.isNumber : $0 == $1 }
    }
}
