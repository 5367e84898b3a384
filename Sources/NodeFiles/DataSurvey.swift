import ClusterModel
import Glibc

/// The data files of one folder, and whether they contain keys.
struct DataSurvey {
    private let folder: String
    /// Paths relative to the folder, including those one level down. Sorted.
    private var files: [String] = []
    /// `appendonlydir/appendonly.aof.manifest`.
    private(set) var manifests: [String] = []
    private var trouble: String?

    /// More than the longest sequence of auxiliary fields before a first key.
    private static let prefixBytes = 1 << 16

    init(folder: String, names: [String], besides known: [String?]) {
        self.folder = folder
        for name in names where !known.contains(name) {
            guard isDirectory("\(folder)/\(name)") else {
                files.append(name)
                continue
            }
            do throws(FileError) {
                let inside = try listDirectory("\(folder)/\(name)").map { "\(name)/\($0)" }
                manifests += inside.filter { $0.hasSuffix(".manifest") && !$0.hasPrefix("\(name)/temp-") }
                files += inside
            } catch {
                trouble = error.description
            }
        }
    }

    func content(_ names: DataFileNames) -> DirectoryContent {
        var content = DirectoryContent()
        content.trouble = trouble
        var rest = files
        if files.contains(names.dump), let dump = look(at: names.dump, isDump: true) {
            content.dumps = [dump]
            rest.removeAll { $0 == names.dump }
        }
        content.appendOnly = appendOnlyFiles(names, &rest)
        content.others = rest.compactMap { look(at: $0, isDump: $0.hasSuffix(".rdb")) }
        return content
    }

    private func appendOnlyFiles(_ names: DataFileNames, _ rest: inout [String]) -> AppendOnlyFiles? {
        let directory = names.appendOnlyDirectory
        let manifestName = "\(directory)/\(names.appendOnly).manifest"
        guard files.contains(manifestName) else {
            guard files.contains(names.appendOnly), let file = look(at: names.appendOnly, isDump: false) else {
                return partsWithoutManifest(names, &rest, trouble: nil)
            }
            rest.removeAll { $0 == names.appendOnly }
            return AppendOnlyFiles(directoryName: nil, files: [file])
        }
        rest.removeAll { $0 == manifestName }
        guard let bytes = try? readFile("\(folder)/\(manifestName)", limit: 1 << 20), let manifest = AOFManifest(bytes)
        else {
            let trouble = "\(manifestName) cannot be read"
            return partsWithoutManifest(names, &rest, trouble: trouble)
                ?? AppendOnlyFiles(directoryName: directory, files: [], trouble: trouble)
        }
        if manifest.entries.allSatisfy({ $0.kind == .history }),
            let parts = partsWithoutManifest(names, &rest, trouble: "\(manifestName) names only history files")
        {
            return parts
        }
        var found = AppendOnlyFiles(directoryName: directory, files: [])
        for entry in manifest.entries where entry.kind != .history {
            let name = "\(directory)/\(entry.name)"
            if files.contains(name), let file = look(at: name, isDump: name.hasSuffix(".rdb")) {
                found.files.append(file)
                rest.removeAll { $0 == name }
            } else {
                found.trouble = "\(manifestName) names \(entry.name), which does not exist"
            }
        }
        addUnnamed(manifest, manifestName, names, to: &found, &rest)
        return found
    }

    /// Finds a part with keys that the manifest does not name, not even as history: the engine silently loads the others, and
    /// overwrites that one when it reaches its number. A second base is a leftover of a rewrite that crashed; its data are in the
    /// named files.
    private func addUnnamed(
        _ manifest: AOFManifest, _ manifestName: String, _ names: DataFileNames, to found: inout AppendOnlyFiles,
        _ rest: inout [String]
    ) {
        let named = Set(manifest.entries.map { "\(names.appendOnlyDirectory)/\($0.name)" })
        func unnamed(_ endings: [String]) -> [DataFile] {
            parts(names, rest.filter { !named.contains($0) }, endings).filter { $0.evidence.holdsKeys }
        }
        let bases = manifest.entries.contains { $0.kind == .base } ? [] : unnamed(Self.bases)
        let missing = bases + unnamed(Self.increments)
        guard let first = missing.first else { return }
        found.files = (found.files + missing).sorted { a, b in
            let (isLater, isLaterToo) = (a.name.hasSuffix(".incr.aof"), b.name.hasSuffix(".incr.aof"))
            return isLater == isLaterToo ? a.name < b.name : isLaterToo
        }
        found.trouble = found.trouble ?? "\(manifestName) does not name \(first.name), which holds keys"
        found.lacksManifest = true
        rest.removeAll { name in missing.contains { $0.name == name } }
    }

    private static let bases = [".base.rdb", ".base.aof"]
    private static let increments = [".incr.aof"]

    /// The parts of an append-only file among these names.
    private func parts(_ names: DataFileNames, _ rest: [String], _ endings: [String]) -> [DataFile] {
        let stem = "\(names.appendOnlyDirectory)/\(names.appendOnly)."
        return rest.filter { name in name.hasPrefix(stem) && endings.contains { name.hasSuffix($0) } }.sorted()
            .compactMap { look(at: $0, isDump: $0.hasSuffix(".rdb")) }
    }

    /// Finds base and increments without a manifest. Without one, the engine starts empty and overwrites them; it rejects a manifest
    /// that is empty or truncated.
    /// - Parameter trouble: the problem of an existing manifest; nil: it is missing, which matters only if a part has keys.
    private func partsWithoutManifest(
        _ names: DataFileNames, _ rest: inout [String], trouble: String?
    ) -> AppendOnlyFiles? {
        let found = parts(names, rest, Self.bases) + parts(names, rest, Self.increments)
        guard !found.isEmpty, trouble != nil || found.contains(where: { $0.evidence.holdsKeys }) else { return nil }
        rest.removeAll { name in found.contains { $0.name == name } }
        var files = AppendOnlyFiles(
            directoryName: names.appendOnlyDirectory, files: found,
            trouble: trouble ?? "\(names.appendOnlyDirectory)/\(names.appendOnly).manifest is missing")
        files.lacksManifest = true
        return files
    }

    /// nil for a file that neither has the name nor the beginning of a data file.
    private func look(at name: String, isDump: Bool) -> DataFile? {
        let path = "\(folder)/\(name)"
        let isNamedSo = isDump || name.hasSuffix(".aof")
        do throws(FileError) {
            guard let status = try status(path), status.isRegularFile else { return nil }
            if !isNamedSo, !AOFContent.begins(try readPrefix(path, limit: 16).bytes) { return nil }
            let (bytes, size) = try readPrefix(path, limit: Self.prefixBytes)
            var file = DataFile(name: name, size: Int64(size), modified: status.modified, evidence: .noKeys)
            if isDump {
                let content = RDBContent.inspect(prefix: bytes, fileSize: size)
                (file.evidence, file.header) = (content.evidence, content.header)
            } else {
                let content = AOFContent.inspect(prefix: bytes, fileSize: size)
                (file.evidence, file.header) = (content.evidence, content.header)
            }
            return file
        } catch {
            let evidence = DataEvidence.unreadable(error.description)
            return DataFile(name: name, size: 0, modified: WallTime(milliseconds: 0), evidence: evidence)
        }
    }
}
