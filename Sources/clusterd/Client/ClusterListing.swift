import ClusterModel
import ControlAPI

/// One cluster of this host, as `list` shows it. Values that are not visible, or do not apply, are nil.
struct ClusterListing: Hashable, Sendable, Codable {
    enum Daemon: String, Sendable, Codable {
        case answers
        /// The daemon runs, but did not answer in time, or its answer cannot be parsed.
        case silent
        /// The daemon belongs to another user, and this user may not inspect it.
        case hidden
        /// The daemon belongs to another user and could be inspected; clusterd does not query it.
        case foreign
        /// The daemon runs, but its data folder was deleted: no command reaches it, even if another cluster has a folder there now.
        case orphaned
        /// No daemon runs, but the nodes do.
        case missing
        /// Neither a daemon nor a node runs.
        case stopped
    }

    var name: String?
    var daemon: Daemon
    var state: StatusDocument.Cluster.State?
    var phase: StatusDocument.Cluster.Phase?
    var ports: [Int] = []
    var dir: String?
    var socket: String?
    /// The daemon's.
    var pid: Int32?
    var user: String?
    /// Why information is missing; nil if none is.
    var reason: String?
    var hint: String?

    init(daemon: Daemon) { self.daemon = daemon }

    init(_ status: StatusDocument, socket: String, user: String?) {
        daemon = .answers
        name = status.cluster.name
        state = status.cluster.state
        phase = status.cluster.phase
        ports = status.nodes.map(\.port)
        dir = status.cluster.dir
        self.socket = socket
        pid = status.cluster.daemon.pid
        self.user = user
    }

    /// A daemon whose data folder was deleted.
    ///
    /// - Parameters:
    ///   - folder: the former path of its data folder.
    ///   - ports: the client ports of its nodes, as far as they are visible.
    init(orphan pid: Int32, user: String?, folder: String?, ports: [Int]) {
        daemon = .orphaned
        self.pid = pid
        self.user = user
        self.ports = ports
        let place = folder.map { " \($0)" } ?? ""
        dir = folder.map { "\($0) (deleted)" }
        reason =
            "the data folder\(place) of clusterd (pid \(pid)) was deleted while it was running: its nodes hold their keys only "
            + "in memory, and no command can reach it"
        let save = ports.first.map { "save the keys of each master first: redis-cli -p \($0) --rdb FILE; " } ?? ""
        hint = "\(save)stop it with its nodes: kill \(pid)"
    }

    /// The order of the listing: clusters with a name first.
    static func isBefore(_ a: ClusterListing, _ b: ClusterListing) -> Bool {
        let last = "\u{10FFFF}"
        return (a.name ?? last, a.dir ?? last, a.pid ?? 0) < (b.name ?? last, b.dir ?? last, b.pid ?? 0)
    }
}

struct ListDocument: Hashable, Sendable, Codable {
    var schema = 1
    var clusters: [ClusterListing]
}

extension [ClusterListing] {
    /// The socket of the one daemon whose cluster has this name. Only daemons of the caller, of root and of the service's user
    /// count, because any user can start a process that claims any name.
    func socket(ofClusterNamed name: String) throws(Failure) -> String {
        let named = filter { $0.name == name }
        let ours = named.filter { $0.daemon == .answers || $0.daemon == .silent }
        if ours.count == 1, let socket = ours[0].socket { return socket }
        if ours.count > 1 {
            let list = ours.map { "\($0.dir ?? "?") (pid \($0.pid.map(String.init) ?? "?"))" }
            throw Failure(
                "ambiguous-cluster",
                "\(ours.count) clusters on this host are named '\(name)': \(list.joined(separator: ", "))",
                hint: "select one by its folder with --dir, or by its socket with --socket")
        }
        if let one = ours.first ?? named.first(where: { $0.daemon != .foreign }) {
            let known = one.reason.map { ": \($0)" } ?? ""
            throw Failure(
                "no-daemon", "no clusterd answers for '\(name)'\(known)", hint: one.hint)
        }
        if let other = named.first {
            throw Failure(
                "not-yours",
                "the cluster '\(name)' on this host belongs to user \(other.user ?? "?"), neither to you nor to root",
                hint: other.socket.map { "to use that clusterd anyway: --socket \(ShellWord.quoted($0))" }
                    ?? other.hint)
        }
        let others = Set(compactMap { $0.daemon == .foreign ? nil : $0.name }).sorted()
        throw Failure(
            "no-daemon",
            "no cluster named '\(name)' runs here; "
                + (others.isEmpty
                    ? "no other does, either"
                    : "there \(others.count == 1 ? "is" : "are") \(others.joined(separator: ", "))"),
            hint: contains { $0.daemon == .hidden }
                ? "to list the clusters of other users too: sudo clusterd list" : "clusterd list")
    }
}
