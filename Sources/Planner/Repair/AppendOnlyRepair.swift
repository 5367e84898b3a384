import ClusterModel

/// A master whose append-only file cannot be loaded and that no replica can replace: the engine's own tool truncates the file after its
/// last complete command. A replica instead copies everything from its master automatically.
extension Turn {
    /// What `fix` would do about this end; nil: nothing, or it is not known yet.
    mutating func repair(of member: Member, _ exit: NodeProcess.Exited, _ topology: Topology) -> Repair? {
        guard exit.reason.kind == .badAppendOnlyFile, let process = exit.identity,
            livingCandidate(of: member, topology) == nil,
            let content = seen.directory(at: member.directory)?.content, let files = content.appendOnly,
            files.trouble == nil,
            // Of a file of several parts, only the last can be cut; and a part that is a dump is either intact or useless.
            let last = files.files.last, last.header == nil || files.directoryName == nil
        else { return nil }
        let path = "\(member.directory)/\(last.name)"
        guard let found = seen.examinations[member.name], found.of == process, found.path == path else {
            ensure(.examine(member.name, process, path: path), retryAfter: .seconds(10))
            return nil
        }
        guard found.goodBytes < found.bytes else { return nil }
        return .repairAppendOnly(
            .init(
                member: member.name, directory: member.directory, file: last.name,
                names: [files.directoryName ?? last.name], bytes: found.bytes, goodBytes: found.goodBytes,
                process: process)
        )
    }

    /// A live replica of a dead master that has keys or functions: nothing older may take its place (invariant: no-older-master).
    func livingCandidate(of master: Member, _ topology: Topology) -> Member? {
        guard topology.owns(master.id) else { return nil }
        return members.first { member in
            guard member.id != master.id, topology.master(of: member.id) == master.id, let report = lastHeard(member)
            else {
                return false
            }
            return !report.loading && report.load.holdsData
        }
    }

    /// First a second copy, then the cut, then the start.
    mutating func repair(_ repair: inout Repair.RepairAppendOnly, _ story: Story, _ topology: Topology) -> Advance {
        guard let member = find(repair.member) else {
            return .failed(.unknownNode(repair.member))
        }
        if repair.isDone || running(member.name) != nil {
            repair.isDone = true
            return comeBack(member, after: repair.process, story, topology)
                ?? .done(.loaded(member.name, quarantine: repair.folder ?? "", isCut: true))
        }
        if let survey = seen.survey, let why = reasonNotToTouch(member.directory, survey) {
            return .failed(.folderInUse(why, .changed))
        }
        let copy = Effect.preserve(
            .init(
                node: member.name, directory: repair.directory, files: repair.names, folder: repair.folder ?? "",
                note: "the append-only file of \(member.name) could not be loaded; the last "
                    + "\(repair.bytes - repair.goodBytes) bytes of \(repair.file) were cut off the one in use"))
        switch ensure(copy) {
        case .failed(let why, _): return .failed(.notCopied(why))
        case .underWay:
            return .working(.copying(repair.names, quarantine: repair.folder ?? ""))
        case .done: break
        }
        switch ensure(.repairAppendOnly(repair)) {
        case .failed(let why, _): return .failed(.notChanged(repair.path, why))
        case .underWay: break
        case .done: repair.isDone = true
        }
        return .working(.cutting(bytes: repair.bytes - repair.goodBytes, of: repair.path))
    }
}

/// What `redis-check-aof` or `valkey-check-aof` reports about one file (`checkSingleAof`, src/redis-check-aof.c).
package struct AppendOnlyCheck: Sendable, Equatable {
    package var bytes: Int64
    package var goodBytes: Int64

    /// `AOF analyzed: filename=appendonly.aof.1.incr.aof, size=248, ok_up_to=226, ok_up_to_line=60, diff=22`; before 7.0
    /// without the name. nil: there is no such line.
    package init?(_ output: String) {
        guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("AOF analyzed: ") }) else {
            return nil
        }
        func value(_ name: String) -> Int64? {
            line.split(separator: " ").first { $0.hasPrefix("\(name)=") }.flatMap { word in
                Int64(word.dropFirst(name.count + 1).filter { $0 != "," })
            }
        }
        guard let bytes = value("size"), let good = value("ok_up_to"), good >= 0, good <= bytes else { return nil }
        self.bytes = bytes
        goodBytes = good
    }
}
