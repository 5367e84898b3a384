import ClusterModel

/// What `GET /v1/fix` answers, and what `clusterd fix` shows: each thing that it would do, and what it leaves to a person.
package struct FixDocument: Hashable, Sendable, Codable {
    package var schema = 1
    package var cluster: String
    package var dir: String
    package var repairs: [RepairDocument]
    /// Findings that are repaired otherwise, by a person or by themselves; notes are not among them.
    package var left: [FindingDocument]
    /// What became of it; nil where nothing was done yet, or no daemon did it.
    package var operation: OperationDocument?

    package init(cluster: String, dir: String, repairs: [RepairDocument], left: [FindingDocument]) {
        self.cluster = cluster
        self.dir = dir
        self.repairs = repairs
        self.left = left
    }
}

/// One thing that `fix` does.
package struct RepairDocument: Hashable, Sendable, Codable {
    /// For `POST /v1/fix`; the same for as long as it would do the same.
    package var id: String
    package var finding: FindingDocument
    /// What it does.
    package var text: String
    /// The keys that go out of the way with it; nil: it moves none.
    package var keys: KeysDocument?
    /// Where in `quarantine/` things were moved to; nil: nothing was, or that is the operation's to say.
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

/// Which keys lie somewhere, as far as the beginnings of the files tell.
package struct KeysDocument: Hashable, Sendable, Codable {
    /// nil: it is not known how many.
    package var count: Int64?
    /// Whether there are exactly so many; otherwise there are at least so many.
    package var exact: Bool
    /// Some of them.
    package var names: [String]
    /// Functions are among it; nil: they are not, or a daemon of an older version was asked.
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
