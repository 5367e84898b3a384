import ClusterModel

/// An append-only file whose manifest is missing. The engine takes it for a new one: it starts empty, replaces the base and
/// truncates the first increment (`aofOpenIfNeededOnServerStart`, src/aof.c; seen with Redis 7.0 and 8.2, Valkey 9.1).
extension Turn {
    /// Whether a start would overwrite the parts in the node's folder.
    func lacksManifest(_ member: Member) -> Bool {
        guard let facts = seen.directory(at: member.directory), facts.content.appendOnly?.lacksManifest == true else {
            return false
        }
        return appendOnlyAtStart(member, facts) ?? configuredAppendOnly(member)
    }

    /// Not started until the manifest is there. A replica needs its master's answer instead, and takes all data from it.
    mutating func keepDown(_ member: Member, _ survey: Observation.Survey) {
        guard let facts = seen.directory(at: member.directory), let files = facts.content.appendOnly else { return }
        find(
            Finding(
                "node-down", .error, node: member.name,
                "\(member.name) is not started: \(files.trouble ?? "the manifest is missing"), and the engine would start empty "
                    + "and overwrite the files that lie there",
                hint: AOFManifest.command(toWriteFor: files, in: member.directory, facts.dataNames)))
        // The operator writes the manifest, or the master answers.
        let again = survey.askedAt + .seconds(2)
        if now >= again { needSurvey(since: now) } else { wake(at: again) }
    }
}

extension AOFManifest {
    /// A shell command that writes a manifest for the parts: one base and at most one increment. nil for any other set: some
    /// of it may be history, which must not be loaded again.
    static func command(toWriteFor files: AppendOnlyFiles, in directory: String, _ names: DataFileNames) -> String? {
        guard let folder = files.directoryName else { return nil }
        var lines: [String] = []
        for file in files.files {
            let name = String(file.name.dropFirst(folder.utf8.count + 1))
            let words = name.dropFirst(names.appendOnly.utf8.count + 1).split(separator: ".")
            guard words.count == 3, let sequence = Int(words[0]) else { return nil }
            guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "%") })
            else { return nil }
            let isBase = words[1] == "base"
            guard isBase == lines.isEmpty else { return nil }
            lines.append("file \(name) seq \(sequence) type \(isBase ? "b" : "i")")
        }
        guard 1...2 ~= lines.count, !directory.contains("'") else { return nil }
        let text = lines.map { "\($0)\\n" }.joined()
        return "printf '\(text)' > '\(directory)/\(folder)/\(names.appendOnly).manifest'"
    }
}
