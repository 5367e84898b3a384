import ClusterModel
import Glibc
import Planner
import ProcessSupervision

extension Observation.Survey {
    /// A look at the folders of a cluster and at the processes that work in them or that its record names.
    package init(
        askedAt: Moment, directories: [DirectoryFacts], record: Record?, server: String, bootID: String
    ) {
        let uses = ProcessTable.directoryUses(of: directories.map(\.path), bootID: bootID)
        let recorded = (record?.members ?? []).compactMap(\.process)
        let writers = Set(directories.compactMap { owner(of: $0.path) } + [0, geteuid()])
        self.init(
            askedAt: askedAt, directories: directories,
            users: uses.uses.map { use in
                .init(
                    directory: use.folder, identity: use.identity, name: use.name, command: use.command,
                    parent: use.parent, session: use.session, ports: use.ports)
            },
            recorded: Dictionary(
                recorded.map { ($0, ProcessTable.presence(of: $0)) }, uniquingKeysWith: { first, _ in first }),
            concealed: uses.concealed.filter { process in
                writers.contains(process.userID) && EngineProcess.looksLikeEngine(process, server: server)
            },
            showsOnlyOwn: uses.showsOnlyOwn)
    }
}

private func owner(of path: String) -> uid_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_uid : nil
}
