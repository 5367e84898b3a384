import ArgumentParser
import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command with a temporary cluster that is removed when the command ends.",
        discussion: """
            Starts three masters without replicas on free ports, and keeps nothing on disk. COMMAND finds REDIS_URL, \
            REDIS_CLUSTER_NODES (host:port,…), REDIS_PORT and CLUSTERD_SOCKET in its environment, and has terminal, input and \
            output to itself. Exits with the exit code of COMMAND; with 128+n if signal n terminated it, 125 if the cluster did \
            not come up, 126 if COMMAND cannot be run, and 127 if it does not exist. Forwards signals to COMMAND. The cluster \
            ends with COMMAND, and with the shell that started clusterd, unless SIGHUP is ignored (nohup).

            clusterd exec -- pytest
            clusterd exec --replicas 1 -- sh -c 'redis-cli -c -p $REDIS_PORT set greeting hello'
            clusterd exec --server valkey-server --set redis.maxmemory=64mb -- make test
            """)

    @Option(help: ArgumentHelp("Create the temporary folder here [$TMPDIR, or /tmp].", valueName: "dir")) var dir:
        String?
    @OptionGroup var cluster: ClusterOptions
    @Option(help: ArgumentHelp("How long the cluster may take to come up.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)
    @Flag(name: .shortAndLong, help: "Print progress on stderr.") var verbose = false
    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("The command to run, with its arguments, after --.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("missing command after two dashes: clusterd exec -- COMMAND…")
        }
    }

    func run() async throws {
        let code: Int32
        do {
            code = try await execute()
        } catch var failure as Failure {
            failure.exit = ControlAPI.ExitCode.notStarted
            throw failure
        }
        Glibc.exit(code)
    }

    private func execute() async throws -> Int32 {
        // Everything after the dashes, as bytes.
        let words = Array(CommandWord.arguments.suffix(command.count))
        let executable: CommandWord
        switch CommandSearch.find(words[0], path: getenv("PATH").map { String(cString: $0) }) {
        case .success(let found): executable = found
        case .failure(let error):
            Output.note("error: '\(words[0].text)': \(error)")
            return ExecLife.exitCode(ofErrno: error.code)
        }
        let guest = ExecRunner(
            .init(executable: executable, words: words, environment: [], inheritance: Clusterd.inheritance),
            timeout: timeout)
        guest.takeSignals()
        let folder = try throwawayFolder()
        var settings = cluster.settings
        settings.dataDirectory = folder.path + "/data"
        let defaults = ConfigurationDefaults(
            dataDirectory: folder.path + "/data", name: "exec", temporaryPort: Int.random(in: Self.firstPorts))
        do {
            try await Daemon.run(
                .init(
                    mode: .exec, configuration: cluster.config, defaults: defaults, commandLine: settings,
                    isVerbose: verbose), guest: guest)
        } catch {
            Self.remove(folder)
            throw error
        }
        Self.remove(folder)
        if let complaint = guest.complaint { Output.note("error: \(complaint)") }
        return guest.exitCode
    }

    /// The range of the first port to try, chosen at random, so that clusters that start at the same moment try different ports.
    /// It is above well-known ports, and, bus ports included, below the ports that the kernel assigns to outgoing connections.
    private static let firstPorts = 20_000...22_500

    private func throwawayFolder() throws -> ThrowawayFolder {
        let parent = Paths.absolute(dir ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        ThrowawayFolder.sweep(parent)
        do {
            return try ThrowawayFolder.make(in: parent)
        } catch {
            throw Failure(
                "folder-unusable", error.description, hint: "choose another folder with --dir or TMPDIR",
                exit: ControlAPI.ExitCode.notStarted)
        }
    }

    private static func remove(_ folder: ThrowawayFolder) {
        do {
            try folder.remove()
        } catch {
            Output.note("warning: \(error); the next clusterd exec tries again")
        }
    }
}
