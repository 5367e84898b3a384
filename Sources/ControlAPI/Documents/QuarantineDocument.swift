import ClusterModel

/// The answer of `GET /v1/quarantine`: the folders in quarantine, oldest first.
package struct QuarantineDocument: Hashable, Sendable, Codable {
    package var schema = 1
    /// The path of the quarantine.
    package var dir: String
    /// The total size on disk.
    package var bytes: Int64
    package var folders: [QuarantineFolderDocument]

    package init(dir: String, folders: [QuarantineFolderDocument]) {
        self.dir = dir
        self.folders = folders
        bytes = folders.reduce(0) { $0 + $1.bytes }
    }
}

package struct QuarantineFolderDocument: Hashable, Sendable, Codable {
    /// The name of the folder.
    package var id: String
    /// When files were last moved there.
    package var at: Timestamp
    /// The node from which it comes, if the name contains it.
    package var node: NodeName?
    package var bytes: Int64
    /// The reason: the first line of its note.
    package var why: String?
    /// nil: it has no data files.
    package var keys: KeysDocument?

    package init(
        id: String, at: Timestamp, node: NodeName?, bytes: Int64, why: String?, keys: KeysDocument?
    ) {
        self.id = id
        self.at = at
        self.node = node
        self.bytes = bytes
        self.why = why
        self.keys = keys
    }

    /// The node in a name such as `20260101T000000Z-7005`, with an optional suffix.
    package static func node(inName name: String) -> NodeName? {
        let parts = name.split(separator: "-")
        guard parts.count > 1, parts[0].hasSuffix("Z"), Int(parts[1]) != nil else { return nil }
        return NodeName(String(parts[1]))
    }
}
