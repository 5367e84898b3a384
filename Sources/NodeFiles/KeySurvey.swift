import ClusterModel

/// Which keys a folder holds: its own data files, or those of the folders in it. nil where it holds no data file.
package func keySample(of folder: String) -> KeySample? {
    let inside = ((try? listDirectory(folder)) ?? []).map { "\(folder)/\($0)" }.filter {
        !isLink($0) && isDirectory($0)
    }
    // A whole folder that was moved lies one level down; the folder of append-only files belongs to its own.
    let own = directoryFacts(folder).content
    if !own.isEmpty { return keySample(of: own, in: folder) }
    let samples = inside.compactMap { path in
        let content = directoryFacts(path).content
        return content.isEmpty ? nil : keySample(of: content, in: path)
    }
    return samples.isEmpty ? nil : KeySample(of: samples)
}

/// What an engine would load: the append-only file where there is one, else the dump; and what else lies there.
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
