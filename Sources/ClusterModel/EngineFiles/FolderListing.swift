/// What lies in one folder, by name.
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
    /// Whether it is a folder and no link to one, and no link leads to it from the data folder on.
    package var isReal: Bool
    package var entries: [Entry]
    /// Those that say of themselves that clusterd wrote them.
    package var generated: Set<String>
    /// How the data of a node's folder are called.
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
