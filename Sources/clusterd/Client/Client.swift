import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

/// Which daemon a command speaks to.
struct DaemonChoice: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's control socket.", valueName: "path"), completion: .file())
    var socket: String?
    @Option(help: ArgumentHelp("The daemon whose data lie there.", valueName: "dir"), completion: .directory)
    var dir: String?

    @Option(
        help: ArgumentHelp("The cluster of this name, as clusterd list shows it.", valueName: "name"),
        completion: Completion.clusterHere)
    var cluster: String?

    static let options: Set<String> = ["--socket", "--dir", "--cluster"]

    /// Whether the command line says which; else the environment and the usual places do.
    var isNamed: Bool { socket != nil || dir != nil || cluster != nil }

    func client() throws(Failure) -> ControlClient {
        do {
            let path = try socketPath()
            let isFoundByName = socket == nil && dir == nil && cluster != nil
            return ControlClient(socketPath: path, owners: isFoundByName ? TrustedOwners.owners(ofSocket: path) : nil)
        } catch {
            throw Failure(error)
        }
    }

    private func socketPath() throws(ControlError) -> String {
        let environment = getenv("CLUSTERD_SOCKET").map { String(cString: $0) }
        let choice = SocketChoice(
            socket: socket, directory: dir, cluster: cluster, environment: environment, caller: getuid())
        return try choice.path(where: { SocketChoice.FileFact(ofFileAt: $0) }) { (name) throws(ControlError) in
            try RunningClusters.find().socket(ofClusterNamed: name)
        }
    }

    /// Where the data of a daemon that does not answer may lie: what it wrote can be read without it.
    var dataFolders: [String] {
        guard let path = try? socketPath() else { return ["clusterd-data", "/var/lib/clusterd"] }
        let folder = SocketPath(path).folder
        // The service's, and that of one of several: /run/clusterd/NAME, /var/lib/clusterd/NAME.
        let runtime = "/run/clusterd"
        return folder.hasPrefix(runtime) ? ["/var/lib/clusterd" + folder.dropFirst(runtime.count)] : [folder]
    }
}

extension ControlClient {
    /// One request, one document; what the daemon refuses is thrown in its own words.
    func get<Document: Decodable>(
        _ request: ControlRequest, _ type: Document.Type, timeout: Duration = .seconds(10)
    ) throws(Failure) -> Document {
        do {
            return try send(request, timeout: timeout).decode(type)
        } catch {
            throw Failure(error)
        }
    }
}

/// Durations on the command line: `200ms`, `30s`, `5m`.
struct TimeoutArgument: ExpressibleByArgument {
    var duration: Duration

    init(seconds: Int64) { duration = .seconds(seconds) }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.text(duration) }
}

/// Waits between two looks at the daemon.
enum Pause {
    static func brief() { usleep(25_000) }

    /// Soon at first, then less often: what comes at once is seen at once, and what takes long costs nothing.
    struct Growing {
        private var next = Duration.milliseconds(25)

        mutating func rest(until deadline: ContinuousClock.Instant) {
            let left = max(.zero, ContinuousClock.now.duration(to: deadline))
            usleep(UInt32(clamping: min(next, left).inMilliseconds * 1000))
            next = min(next * 5 / 4, .milliseconds(250))
        }
    }
}

extension ArgumentHelp {
    /// NODE, wherever a command takes one.
    static var node: ArgumentHelp {
        ArgumentHelp("Its name, port, host:port, or the beginning of its id.", valueName: "node")
    }
}
