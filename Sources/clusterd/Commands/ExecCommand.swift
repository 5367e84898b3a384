import ArgumentParser
import ClusterConfiguration
import ControlAPI
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run one command with a cluster of its own, which is gone when the command ends.",
        discussion: """
            Three masters without replicas on free ports, nothing kept on disk. COMMAND finds REDIS_URL, REDIS_CLUSTER_NODES \
            (host:port,…), REDIS_PORT and CLUSTERD_SOCKET in its environment; terminal, input and output are its own, and its \
            exit code is ours: 128+n when signal n ended it, 125 when the cluster did not come up, 126 or 127 when COMMAND \
            cannot be run or is not there. Signals are passed on to it. The cluster goes with COMMAND, and with the shell that \
            clusterd was started from, unless SIGHUP is ignored (nohup).

            clusterd exec -- pytest
            clusterd exec --replicas 1 -- sh -c 'redis-cli -c -p $REDIS_PORT set greeting hello'
            clusterd exec --server valkey-server --set redis.maxmemory=64mb -- make test
            """)

    @Option(help: ArgumentHelp("Where the temporary folder is made [$TMPDIR, or /tmp].", valueName: "dir")) var dir:
        String?
    @OptionGroup var cluster: ClusterOptions
    @Option(help: ArgumentHelp("How long the cluster may take to come up.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)
    @Flag(name: .shortAndLong, help: "Tell on stderr what happens.") var verbose = false
    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("What to run, with its arguments, behind --.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("say what to run, behind two dashes: clusterd exec -- COMMAND…")
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
        // Everything behind the dashes, as bytes.
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

    /// Clusters that start at the same moment begin to look in different places. Below the ports that the kernel gives to
    /// outgoing connections, the bus ports too, and above those that programs are known by.
    private static let firstPorts = 20_000...22_500

    private func throwawayFolder() throws -> ThrowawayFolder {
        let parent = Paths.absolute(dir ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
        ThrowawayFolder.sweep(parent)
        do {
            return try ThrowawayFolder.make(in: parent)
        } catch {
            throw Failure(
                "folder-unusable", error.description, hint: "name another folder with --dir, or in TMPDIR",
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
