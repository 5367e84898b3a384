import ArgumentParser
import ClusterConfiguration
import Systemd

/// What a cluster is to be like, where no configuration says it.
struct ClusterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many masters [3].", valueName: "n")) var masters: Int?
    @Option(help: ArgumentHelp("How many replicas each [1; 0 for exec].", valueName: "n")) var replicas: Int?
    @Option(help: ArgumentHelp("The first port [7000; a free one for exec].", valueName: "port")) var port: Int?
    @Option(
        help: ArgumentHelp("The server: a path, or a name on PATH [redis-server].", valueName: "path"),
        completion: .file())
    var server: String?
    @Option(
        help: ArgumentHelp("A file or a folder of configuration; may repeat.", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []
    @Option(help: ArgumentHelp("A directive for every node; may repeat.", valueName: "redis.key=value")) var set:
        [String] = []

    var settings: CommandLineSettings {
        var settings = CommandLineSettings()
        settings.masters = masters
        settings.replicas = replicas
        settings.port = port
        settings.server = server
        settings.sets = set
        return settings
    }
}

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a cluster here, and run it until Ctrl-C.",
        discussion: """
            Without options: three masters with a replica each from port 7000 on, data in ./clusterd-data. Again: the same \
            cluster with its data; an omitted option means "as formed". Busy ports are passed over.

            clusterd up
            clusterd up --masters 3 --replicas 0 --port 7100
            clusterd up --dir /srv/demo --set redis.maxmemory=100mb
            clusterd up --detach
            """)

    @Option(help: ArgumentHelp("Where the data lie.", valueName: "dir"), completion: .directory) var dir: String?
    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "Return once it is ready; clusterd goes on in the background.") var detach = false
    @Option(
        help: ArgumentHelp("With --detach: how long to wait; clusterd goes on after that.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 600)
    @Flag(name: .customLong(String(BackgroundStart.flag.dropFirst(2))), help: .private) var isInBackground = false
    @Flag(name: .customLong(String(UpgradeProbe.flag.dropFirst(2))), help: .private) var isProbe = false

    func run() async throws {
        var commandLine = cluster.settings
        if let dir { commandLine.dataDirectory = Paths.absolute(dir) }
        let defaults = ConfigurationDefaults(dataDirectory: Paths.absolute("clusterd-data"))
        let options = Daemon.Options(
            mode: .up, configuration: cluster.config, defaults: defaults, commandLine: commandLine,
            isInBackground: isInBackground)
        if isProbe { return try UpgradeProbe.answer(options) }
        guard detach else { return try await Daemon.run(options) }
        var start = try BackgroundStart(options)
        try start.follow(timeout.duration)
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the service: what conf.d says, under systemd.",
        discussion: """
            Reads /etc/clusterd/conf.d/*.yaml unless told otherwise. SIGTERM stops every node cleanly, SIGUSR1 ends clusterd \
            and leaves the nodes running, SIGHUP reads the configuration again, SIGUSR2 replaces the program by the one now on disk. Data are in /var/lib/clusterd and the control \
            socket is in /run/clusterd, where neither the configuration nor the unit (StateDirectory=, RuntimeDirectory=) says \
            otherwise. With --stop-nodes nothing is started: what an earlier clusterd left running is stopped, every key saved.

            clusterd run --config ./conf.d
            clusterd run --config ./conf.d --stop-nodes
            """)

    @Option(
        help: ArgumentHelp("A file or a folder of configuration; may repeat.", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []

    @Flag(help: "Stop the nodes that an earlier clusterd left running, and end.") var stopNodes = false
    @Flag(name: .customLong(String(UpgradeProbe.flag.dropFirst(2))), help: .private) var isProbe = false

    func run() async throws {
        let folders = ServiceFolders.fromEnvironment()
        let defaults = ConfigurationDefaults(
            dataDirectory: folders.state ?? "/var/lib/clusterd",
            socket: "\(folders.runtime ?? "/run/clusterd")/control.sock")
        let options = Daemon.Options(
            mode: .run, configuration: config.isEmpty ? ["/etc/clusterd/conf.d"] : config, defaults: defaults,
            commandLine: CommandLineSettings(), stopsAtOnce: stopNodes)
        if isProbe { return try UpgradeProbe.answer(options) }
        try await Daemon.run(options)
    }
}
