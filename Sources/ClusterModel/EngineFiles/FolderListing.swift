/// The contents of one folder, by name.
package struct FolderListing: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case file, folder, link, other }

    package struct Entry: Sendable, Hashable {
        package var name: String
        package var kind: Kind

        package init(_ name: String, _ kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package var path: String
    /// Whether it is a folder and not a link to one, and no link is on the path to it from the data folder.
    package var isReal: Bool
    package var entries: [Entry]
    /// Files whose marker says that clusterd wrote them.
    package var generated: Set<String>
    /// The names of the data files of a node's folder.
    package var dataNames = DataFileNames()

    package init(
        path: String, isReal: Bool = true, entries: [Entry] = [], generated: Set<String> = [],
        dataNames: DataFileNames = DataFileNames()
    ) {
        self.path = path
        self.isReal = isReal
        self.entries = entries
        self.generated = generated
        self.dataNames = dataNames
    }
}
