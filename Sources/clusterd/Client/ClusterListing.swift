import ClusterModel
import ControlAPI

/// One cluster of this host, as `list` shows it. What may not be seen, or does not apply, is nil.
struct ClusterListing: Hashable, Sendable, Codable {
    enum Daemon: String, Sendable, Codable {
        case answers
        /// It runs, and said nothing in time, or nothing that can be understood.
        case silent
        /// It is another user's, who lets nobody look.
        case hidden
        /// It is another user's, and could be looked at; it is not spoken to.
        case foreign
        /// It runs, and its data folder was deleted: no command reaches it, even where another cluster has a folder there now.
        case orphaned
        /// None runs, and the nodes do.
        case missing
        /// None runs, and no node either.
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
    /// Why not more is known, where that is so.
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
    ///   - folder: where its data folder was.
    ///   - ports: its nodes' client ports, as far as they can be seen.
    init(orphan pid: Int32, user: String?, folder: String?, ports: [Int]) {
        daemon = .orphaned
        self.pid = pid
        self.user = user
        self.ports = ports
        let place = folder.map { " \($0)" } ?? ""
        dir = folder.map { "\($0) (deleted)" }
        reason =
            "the data folder\(place) of clusterd (pid \(pid)) was deleted while it runs: its nodes hold their keys in memory "
            + "only, and no command reaches it"
        let save = ports.first.map { "save the keys of each master first: redis-cli -p \($0) --rdb FILE; " } ?? ""
        hint = "\(save)end it with its nodes: kill \(pid)"
    }

    /// The order in which they are shown: those with a name first.
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
    /// The socket of the one daemon whose cluster has this name. Those of users who are neither the caller nor root, nor the
    /// service's, never count: anybody can start something that calls itself by any name.
    func socket(ofClusterNamed name: String) throws(ControlError) -> String {
        let named = filter { $0.name == name }
        let ours = named.filter { $0.daemon == .answers || $0.daemon == .silent }
        if ours.count == 1, let socket = ours[0].socket { return socket }
        if ours.count > 1 {
            let list = ours.map { "\($0.dir ?? "?") (pid \($0.pid.map(String.init) ?? "?"))" }
            throw ControlError(
                "ambiguous-cluster", "\(ours.count) clusters here are named '\(name)': \(list.joined(separator: ", "))",
                hint: "name the folder of one with --dir, or its socket with --socket", exit: ExitCode.usage)
        }
        if let one = ours.first ?? named.first(where: { $0.daemon != .foreign }) {
            let known = one.reason.map { ": \($0)" } ?? ""
            throw ControlError(
                "no-daemon", "no clusterd answers for '\(name)'\(known)", hint: one.hint, exit: ExitCode.noDaemon)
        }
        if let other = named.first {
            throw ControlError(
                "not-yours",
                "the cluster '\(name)' that runs here is user \(other.user ?? "?")'s, who is neither you nor root",
                hint: other.socket.map { "to speak to that clusterd all the same: --socket \(ShellWord.quoted($0))" }
                    ?? other.hint,
                exit: ExitCode.noPermission)
        }
        let others = Set(compactMap { $0.daemon == .foreign ? nil : $0.name }).sorted()
        throw ControlError(
            "no-daemon",
            "no cluster named '\(name)' runs here; "
                + (others.isEmpty
                    ? "no other does, either"
                    : "there \(others.count == 1 ? "is" : "are") \(others.joined(separator: ", "))"),
            hint: contains { $0.daemon == .hidden } ? "some may not be seen: sudo clusterd list" : "clusterd list",
            exit: ExitCode.noDaemon)
    }
}
