import ClusterModel
import Glibc
import Planner
import ProcessSupervision

extension Observation.Survey {
    /// Surveys the folders of a cluster, and the processes that work in them or that its record names.
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
                    parent: use.parent, session: use.session,
                    // A process that has just started may not listen yet.
                    ports: use.ports?.isEmpty == true && use.age < listeningDelay ? nil : use.ports)
            },
            recorded: Dictionary(
                recorded.map { ($0, ProcessTable.presence(of: $0)) }, uniquingKeysWith: { first, _ in first }),
            concealed: uses.concealed.filter { process in
                writers.contains(process.userID)
                    && EngineProcess.looksLikeEngine(
                        name: process.name, command: process.command, server: server)
            },
            showsOnlyOwn: uses.showsOnlyOwn)
    }
}

/// An engine listens within milliseconds after its start, before it loads its data; a busy host delays that.
private let listeningDelay = Duration.seconds(10)

private func owner(of path: String) -> uid_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_uid : nil
}
