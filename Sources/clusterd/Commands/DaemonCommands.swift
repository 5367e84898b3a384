import ArgumentParser
import ClusterConfiguration
import Systemd

/// The options of `up` and `exec` for the shape and the settings of the cluster.
struct ClusterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Number of masters [3].", valueName: "n")) var masters: Int?
    @Option(help: ArgumentHelp("Number of replicas for each master [1; 0 for exec].", valueName: "n")) var replicas:
        Int?
    @Option(help: ArgumentHelp("First port [7000; a free one for exec].", valueName: "port")) var port: Int?
    @Option(
        help: ArgumentHelp("Server program: a path, or a name on PATH [redis-server].", valueName: "path"),
        completion: .file())
    var server: String?
    @Option(
        help: ArgumentHelp("Read the configuration from this file or folder; may repeat.", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []
    @Option(help: ArgumentHelp("Set a directive on every node; may repeat.", valueName: "redis.key=value")) var set:
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
        abstract: "Start a cluster and run it until Ctrl-C.",
        discussion: """
            Without options, starts three masters with one replica each on ports from 7000, with data in ./clusterd-data. Run it \
            again to resume the same cluster with its data; an omitted option means "as formed". Skips busy ports.

            clusterd up
            clusterd up --masters 3 --replicas 0 --port 7100
            clusterd up --dir /srv/demo --set redis.maxmemory=100mb
            clusterd up --detach
            """)

    @Option(help: ArgumentHelp("Data folder [./clusterd-data].", valueName: "dir"), completion: .directory) var dir:
        String?
    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "Return when the cluster is ready; clusterd continues in the background.") var detach = false
    @Option(
        help: ArgumentHelp("With --detach: how long to wait; clusterd continues after that.", valueName: "duration"))
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
        abstract: "Run as a service, configured by conf.d.",
        discussion: """
            Reads /etc/clusterd/conf.d/*.yaml by default. SIGTERM stops all nodes cleanly. SIGUSR1 ends clusterd and leaves the \
            nodes running. SIGHUP reads the configuration again. SIGUSR2 upgrades clusterd in place to the program on disk. \
            Data are in /var/lib/clusterd and the control socket is in /run/clusterd, unless the configuration or the unit \
            (StateDirectory=, RuntimeDirectory=) says otherwise. With --stop-nodes, starts nothing: stops the nodes that an \
            earlier clusterd left running, with every key saved.

            clusterd run --config ./conf.d
            clusterd run --config ./conf.d --stop-nodes
            """)

    @Option(
        help: ArgumentHelp("Read the configuration from this file or folder; may repeat.", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []

    @Flag(help: "Stop the nodes that an earlier clusterd left running, and exit.") var stopNodes = false
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
