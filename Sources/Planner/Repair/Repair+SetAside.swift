import ClusterModel

extension Repair.SetAside {
    /// The whole folder.
    package init(folder facts: DirectoryFacts, why: String) {
        let parts = facts.path.split(separator: "/").map(String.init)
        self.init(
            member: nil, label: facts.number.map(String.init) ?? parts.last ?? "folder",
            directory: "/" + parts.dropLast().joined(separator: "/"), files: [parts.last ?? ""], why: why)
    }

    /// What is in a member's place and does not belong to it: nodes.conf, data, and a redis.conf that clusterd did not write.
    package init(_ facts: DirectoryFacts, inPlaceOf member: NodeName, why: String) {
        var files = facts.nodesFileName.map { [$0] } ?? []
        if let conf = facts.redisConf, !conf.isGenerated { files.append(conf.fileName) }
        files += facts.content.fileNames.filter { !files.contains($0) }
        self.init(member: member, label: member.text, directory: facts.path, files: files, why: why)
    }

    package var quarantine: Effect.Quarantine {
        Effect.Quarantine(
            node: member ?? NodeName(path), directory: directory, files: files,
            folder: folder ?? label,
            note: why + ". To read its keys: redis-server --port 7999 --appendonly yes --dir on a copy of the folder")
    }
}
