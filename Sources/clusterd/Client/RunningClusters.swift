import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import Systemd

/// Finds all clusters of this host: daemons, by the socket on which they listen and the lock that they hold; nodes whose folders
/// belong to a cluster without a daemon; and stopped clusters in the usual data folders. There is no registry that could be out
/// of date.
enum RunningClusters {
    /// How long to wait for one daemon's status.
    private static let patience = Duration.seconds(1)

    static func find() -> [ClusterListing] {
        var found = seen(asks: true)
        // Daemons whose descriptors are not visible, but whose socket is accessible.
        for socket in knownSockets() where !found.contains(where: { $0.socket == socket && $0.daemon == .answers }) {
            guard mayAsk(socket, among: found), case .success(let status) = ask(socket) else { continue }
            let pid = status.cluster.daemon.pid
            found.removeAll { $0.pid == pid }
            found.append(ClusterListing(status, socket: socket, user: ProcessTable.userName(of: pid)))
        }
        found += leftAlone(except: Set(found.compactMap(\.dir)))
        found += stopped(except: Set(found.compactMap(\.dir)))
        return found.sorted(by: ClusterListing.isBefore)
    }

    /// Whether a daemon is already running behind the socket. A request to the socket of a stopped service may start the service,
    /// if a socket unit listens there, and neither `list` nor a completion must do that.
    static func mayAsk(_ socket: String) -> Bool {
        ServiceSocket.unit(ofSocketAt: socket) == nil || mayAsk(socket, among: seen(asks: false))
    }

    private static func mayAsk(_ socket: String, among daemons: [ClusterListing]) -> Bool {
        daemons.contains { $0.socket == socket }
            || mayAsk(
                socket,
                hidden: daemons.filter { $0.daemon == .hidden }.map { $0.pid.flatMap(ServiceUnit.name(ofProcess:)) },
                seesAllProcesses: access("/proc/1", F_OK) == 0)
    }

    /// - Parameter hidden: the units of daemons that this user may not inspect; nil: the daemon is not a service.
    static func mayAsk(_ socket: String, hidden: [String?], seesAllProcesses: Bool) -> Bool {
        guard let unit = ServiceSocket.unit(ofSocketAt: socket), seesAllProcesses else { return true }
        return hidden.contains { other in other == unit || other?.hasPrefix("clusterd") != true }
    }

    // MARK: daemons

    /// - Parameter asks: whether to query the status of each daemon.
    private static func seen(asks: Bool) -> [ClusterListing] {
        let own = getpid()
        return ProcessTable.all().compactMap { pid in
            guard pid != own, let stat = ProcessTable.Stat(pid), !stat.hasEnded, stat.command == "clusterd",
                let owner = ProcessTable.Status(pid)?.userID
            else { return nil }
            let user = UserAccount.name(of: owner)
            guard let files = ProcessTable.OpenFiles(of: pid) else { return hidden(pid, user) }
            let lock = files.folder(ofFileNamed: "lock")
            let socket = files.listener(named: SocketChoice.socketName)
            // A client has neither.
            guard lock != nil || socket != nil else { return nil }
            return daemon(pid, owner, user, lock: lock, socket: socket, asks: asks)
        }
    }

    /// A process of another user: only its command line shows whether it is a daemon.
    private static func hidden(_ pid: pid_t, _ user: String) -> ClusterListing? {
        let words = ProcessTable.commandLine(of: pid).split(separator: " ")
        guard let command = words.dropFirst().first, ["run", "up", "exec"].contains(command) else { return nil }
        var listing = ClusterListing(daemon: .hidden)
        listing.pid = pid
        listing.user = user
        listing.reason = "you may not inspect clusterd of user \(user) (pid \(pid))"
        listing.hint = "sudo clusterd list"
        return listing
    }

    private static func daemon(
        _ pid: pid_t, _ owner: uid_t, _ user: String, lock: ProcessTable.OpenPath?, socket: ProcessTable.OpenPath?,
        asks: Bool
    ) -> ClusterListing {
        var listing = ClusterListing(daemon: .silent)
        listing.pid = pid
        listing.user = user
        listing.dir = lock?.path
        listing.socket = socket?.path
        if lock?.place == .elsewhere || socket?.place == .elsewhere {
            // Its paths name other files here, because its root is not this host's.
            listing.daemon = .foreign
            listing.reason = "clusterd (pid \(pid)) has its own root file system, and is not queried from outside"
            listing.socket = nil
            return listing
        }
        if isOrphan(lock: lock?.place, socket: socket?.place, asked: nil, pid: pid) { return orphan(pid, user, lock) }
        if lock?.place == .here { listing.take(record(listing.dir)) }
        guard let socket, socket.place == .here else {
            listing.reason =
                "clusterd (pid \(pid)) \(socket == nil ? "has no control socket yet" : "has lost its control socket")"
            if let dir = listing.dir { listing.reason?.append(", in \(dir)") }
            return listing
        }
        guard TrustedOwners.owners(ofSocket: socket.path).contains(owner) else {
            listing.daemon = .foreign
            listing.reason =
                "clusterd of user \(user) (pid \(pid)) is not queried, because it is neither yours nor root's"
            listing.hint = "sudo -u \(user) clusterd list"
            return listing
        }
        guard asks else { return listing }
        switch ask(socket.path) {
        case .success(let status):
            let asked = status.cluster.daemon.pid
            if isOrphan(lock: lock?.place, socket: .here, asked: asked, pid: pid) { return orphan(pid, user, lock) }
            return ClusterListing(status, socket: socket.path, user: user)
        case .failure(let error):
            if lock?.place == .gone { return orphan(pid, user, lock) }
            listing.reason = error.message
            listing.hint = error.hint
            return listing
        }
    }

    /// Whether a daemon has lost its data folder: its files were renamed or deleted, or another daemon answers there. The path of
    /// a bound socket may lead to the socket of another daemon.
    static func isOrphan(
        lock: ProcessTable.OpenPath.Place?, socket: ProcessTable.OpenPath.Place?, asked: Int32?, pid: Int32
    ) -> Bool {
        if let asked { return asked != pid }
        return lock == .gone && (socket == nil || socket == .gone)
    }

    private static func orphan(_ pid: pid_t, _ user: String, _ lock: ProcessTable.OpenPath?) -> ClusterListing {
        ClusterListing(
            orphan: pid, user: user, folder: lock?.path, ports: ProcessTable.clientPorts(ofChildrenOf: pid))
    }

    private static func ask(_ socket: String) -> Result<StatusDocument, Failure> {
        let client = ControlClient(socketPath: socket, owners: TrustedOwners.owners(ofSocket: socket))
        do throws(Failure) {
            return .success(try client.send(.status, timeout: patience).decode(StatusDocument.self))
        } catch {
            return .failure(error)
        }
    }

    /// The sockets of the service, of each `clusterd@NAME`, of the current folder, and of the environment.
    private static func knownSockets() -> [String] {
        let folders = ((try? listDirectory(ServiceSocket.folder)) ?? []).map {
            "\(ServiceSocket.folder)/\($0)"
        }
        let named = getenv("CLUSTERD_SOCKET").map { [String(cString: $0)] } ?? []
        return
            (named + [SocketChoice.systemSocket, Paths.absolute(SocketChoice.localSocket)]
            + folders.map { "\($0)/\(SocketChoice.socketName)" }).filter { access($0, F_OK) == 0 }
    }

    // MARK: without a daemon

    private static func leftAlone(except known: Set<String>) -> [ClusterListing] {
        var folders: [String: String] = [:]
        for pid in ProcessTable.all() {
            guard let stat = ProcessTable.Stat(pid), !stat.hasEnded,
                ["redis-server", "valkey-server"].contains(where: { stat.command.hasPrefix($0) }),
                let directory = ProcessTable.workingDirectory(of: pid), !directory.hasSuffix(" (deleted)")
            else { continue }
            // DIR/7000, or DIR/nodes/7000.
            let parent = SocketPath(directory).folder
            for folder in [parent, SocketPath(parent).folder] where access("\(folder)/state.json", F_OK) == 0 {
                if !known.contains(folder) { folders[folder] = ProcessTable.userName(of: pid) ?? "?" }
                break
            }
        }
        return folders.sorted { $0.key < $1.key }.map { folder, user in
            var listing = ClusterListing(daemon: .missing)
            listing.dir = folder
            listing.user = user
            listing.take(record(folder))
            listing.reason = "nodes in \(folder) run without a clusterd"
            listing.hint = "clusterd up --dir \(ShellWord.quoted(folder))"
            return listing
        }
    }

    private static func stopped(except known: Set<String>) -> [ClusterListing] {
        let service = "/var/lib/clusterd"
        let folders =
            [Paths.absolute("clusterd-data"), service]
            + ((try? listDirectory(service)) ?? []).map { "\(service)/\($0)" }
        return folders.filter { !known.contains($0) }.compactMap { folder in
            guard let record = record(folder) else { return nil }
            var listing = ClusterListing(daemon: .stopped)
            var status = stat()
            if stat(folder, &status) == 0 { listing.user = UserAccount.name(of: status.st_uid) }
            listing.dir = folder
            listing.take(record)
            listing.reason = "the cluster in \(folder) is stopped"
            listing.hint =
                folder == service
                ? "systemctl start clusterd"
                : folder.hasPrefix(service)
                    ? "systemctl start clusterd@\(ShellWord.quoted(SocketPath(folder).name))" : "clusterd up"
            return listing
        }
    }

    private static func record(_ folder: String?) -> Record? {
        guard let folder, let bytes = try? readFile("\(folder)/state.json", limit: 64 << 20) else { return nil }
        return try? RecordCoding.decode(bytes)
    }
}

extension ClusterListing {
    /// Takes the values from the cluster's record, if no daemon can be queried.
    fileprivate mutating func take(_ record: Record?) {
        guard let record else { return }
        name = record.cluster
        ports = record.members.map(\.ports.client)
    }
}
