import ClusterModel
import HostDriver
import Planner
import ProcessSupervision

/// Finds the processes that work in the folders of a cluster without a daemon, in the same way as the daemon does.
struct FolderLook {
    private let record: Record?
    private let survey: Observation.Survey
    private let users: FolderUsers

    init(_ record: Record?, _ directories: [DirectoryFacts]) {
        self.record = record
        survey = Observation.Survey(
            askedAt: .seconds(0), directories: directories, record: record, server: "redis-server",
            bootID: ProcessTable.bootID())
        users = FolderUsers(survey.users, recorded: Set((record?.members ?? []).compactMap(\.process)))
    }

    /// Folders in which a server works, or may work.
    var inUse: Set<String> {
        users.foldersInUse.union(
            (record?.members ?? []).filter { member in
                if case .dead = life(of: member) { false } else { true }
            }.map(\.directory))
    }

    func life(of member: Member) -> ProcessLife {
        ProcessLife(
            of: member, process: nil, killPendingSince: nil, survey: survey, users: users,
            bootID: ProcessTable.bootID(),
            listensNot: PortHolder.of(port: member.ports.client).trace == .none)
    }

    /// A server in a member's folder that is not one of these processes.
    func stranger(besides known: [ProcessIdentity]) -> (user: Observation.DirectoryUser, member: Member)? {
        for member in record?.members ?? [] {
            let user = users.servers(in: member.directory).first { !known.contains($0.identity) }
            if let user { return (user, member) }
        }
        return nil
    }
}
