import ClusterModel

/// A sample of the keys in a folder: in its data files, or in those of its subfolders. nil: it has no data files.
package func keySample(of folder: String) -> KeySample? {
    let inside = ((try? listDirectory(folder)) ?? []).map { "\(folder)/\($0)" }.filter {
        !isLink($0) && isDirectory($0)
    }
    // A moved folder is one level down; a folder of append-only files belongs to the folder that contains it.
    let own = directoryFacts(folder).content
    if !own.isEmpty { return keySample(of: own, in: folder) }
    let samples = inside.compactMap { path in
        let content = directoryFacts(path).content
        return content.isEmpty ? nil : keySample(of: content, in: path)
    }
    return samples.isEmpty ? nil : KeySample(of: samples)
}

/// The files that an engine would load: the append-only file if there is one, else the dump; and the other files.
package func keySample(of content: DirectoryContent, in folder: String) -> KeySample {
    let loaded = content.appendOnly?.files ?? content.dumps
    let files = loaded.isEmpty ? content.files : loaded
    return KeySample(
        of: files.map { file in
            guard let (bytes, size) = try? readPrefix("\(folder)/\(file.name)", limit: 1 << 16) else {
                return KeySample(count: nil, isExact: false, names: [])
            }
            var sample = KeySample(prefix: bytes, fileSize: size)
            // Commands may follow an RDB that begins an append-only file.
            if !file.name.hasSuffix(".rdb"), sample.count != 0, file.header != nil { sample.isExact = false }
            return sample
        })
}
