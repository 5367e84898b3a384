import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc

/// The options that select the daemon for a command.
struct DaemonChoice: ParsableArguments {
    @Option(help: ArgumentHelp("Select the daemon by its control socket.", valueName: "path"), completion: .file())
    var socket: String?
    @Option(help: ArgumentHelp("Select the daemon by its data folder.", valueName: "dir"), completion: .directory)
    var dir: String?

    @Option(
        help: ArgumentHelp("Select the cluster by its name, as clusterd list shows it.", valueName: "name"),
        completion: Completion.clusterHere)
    var cluster: String?

    static let options: Set<String> = ["--socket", "--dir", "--cluster"]

    /// Whether the command line selects the daemon; if not, the environment and the usual places do.
    var isNamed: Bool { socket != nil || dir != nil || cluster != nil }

    func client() throws(Failure) -> ControlClient {
        let path = try socketPath()
        let isFoundByName = socket == nil && dir == nil && cluster != nil
        return ControlClient(socketPath: path, owners: isFoundByName ? TrustedOwners.owners(ofSocket: path) : nil)
    }

    private func socketPath() throws(Failure) -> String {
        let environment = getenv("CLUSTERD_SOCKET").map { String(cString: $0) }
        let choice = SocketChoice(
            socket: socket, directory: dir, cluster: cluster, environment: environment, caller: getuid())
        return try choice.path(where: { SocketChoice.FileFact(ofFileAt: $0) }) { (name) throws(Failure) in
            try RunningClusters.find().socket(ofClusterNamed: name)
        }
    }

    /// Possible data folders of a daemon that does not answer. Its files can be read without it.
    var dataFolders: [String] {
        guard let path = try? socketPath() else { return ["clusterd-data", "/var/lib/clusterd"] }
        let folder = SocketPath(path).folder
        // The folder of the service, or of one of several: /run/clusterd/NAME, /var/lib/clusterd/NAME.
        let runtime = "/run/clusterd"
        return folder.hasPrefix(runtime) ? ["/var/lib/clusterd" + folder.dropFirst(runtime.count)] : [folder]
    }
}

extension ControlClient {
    /// Sends one request and decodes one document. Throws a refusal of the daemon in the daemon's own words.
    func get<Document: Decodable>(
        _ request: ControlRequest, _ type: Document.Type, timeout: Duration = .seconds(10)
    ) throws(Failure) -> Document {
        try send(request, timeout: timeout).decode(type)
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

/// Pauses between two requests to the daemon.
enum Pause {
    static func brief() { usleep(25_000) }

    /// Short pauses at first, then longer ones: a quick change is seen at once, and a long wait costs little.
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
    /// The help of a NODE argument.
    static var node: ArgumentHelp {
        ArgumentHelp("The node, by name, port, host:port, or the beginning of its id.", valueName: "node")
    }
}
