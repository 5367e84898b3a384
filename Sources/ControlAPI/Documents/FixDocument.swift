import ClusterModel

/// The answer of `GET /v1/fix`, which `clusterd fix` shows: the repairs, and the findings that are left to the operator.
package struct FixDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    package var dir: String
    package var repairs: [RepairDocument]
    /// Findings that `fix` cannot repair: they need the operator, or disappear automatically. Notes are not included.
    package var left: [FindingDocument]
    /// The operation that carries out the repairs; nil if there is none yet, or no daemon runs.
    package var operation: OperationDocument?

    package init(cluster: String, dir: String, repairs: [RepairDocument], left: [FindingDocument]) {
        self.cluster = cluster
        self.dir = dir
        self.repairs = repairs
        self.left = left
    }
}

/// One repair.
package struct RepairDocument: Hashable, Sendable, Codable {
    /// The id for `POST /v1/fix`. It stays the same as long as the repair does.
    package var id: String
    package var finding: FindingDocument
    /// What the repair does.
    package var text: String
    /// The keys in the files that it moves; nil: it moves none.
    package var keys: KeysDocument?
    /// The folder in `quarantine/` to which files were moved; nil: none were moved, or the operation reports it.
    package var folder: String?

    package init(
        id: String, finding: FindingDocument, text: String, keys: KeysDocument? = nil, folder: String? = nil
    ) {
        self.id = id
        self.finding = finding
        self.text = text
        self.keys = keys
        self.folder = folder
    }
}

/// The keys in a folder, as far as the beginnings of the files show.
package struct KeysDocument: Hashable, Sendable, Codable {
    /// nil: the number is unknown.
    package var count: Int64?
    /// Whether the number is exact; if not, it is a lower bound.
    package var exact: Bool
    /// Some of the keys.
    package var names: [String]
    /// Whether there are functions; nil: there are none, or the daemon has an older version.
    package var functions: Bool?

    package init(_ sample: KeySample) {
        count = sample.count
        exact = sample.isExact
        names = sample.names
        functions = sample.holdsFunctions ? true : nil
    }

    package var inWords: String {
        var sample = KeySample(count: count, isExact: exact, names: names)
        sample.holdsFunctions = functions == true
        return sample.inWords
    }
}
