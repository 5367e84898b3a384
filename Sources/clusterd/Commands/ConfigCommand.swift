import ArgumentParser
import ClusterConfiguration
import ClusterModel
import ControlAPI
import Glibc

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check or show the configuration.", subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check the configuration and print the position of every error.",
            discussion: """
                Reads the files as `clusterd run` would, and has the engine read every directive. Changes nothing. Exits with 78 \
                if there is an error.

                clusterd config check
                clusterd config check --config ./conf.d
                """)

        @OptionGroup var source: ConfigurationSource

        func run() throws {
            let (files, loaded) = try source.load()
            try Configuration.checkFiles(loaded.spec)
            let engine = try Configuration.engine(for: loaded.spec)
            for file in files { Output.note("read      \(file.name)") }
            for path in source.passedOver {
                Output.note("warning   \(path) is ignored: its name does not end in .yaml")
            }
            for warning in loaded.warnings { Output.note("warning   \(warning)") }
            if let complaint = AnnounceCheck.complaint(loaded.spec, nil, engine: engine.engine) {
                Output.note("warning   \(loaded.origin(.announce)): \(complaint)")
            }
            let spec = loaded.spec
            Output.result(
                "the configuration is valid: \(spec.masters) \(spec.masters == 1 ? "master" : "masters") with "
                    + "\(spec.replicas) \(spec.replicas == 1 ? "replica" : "replicas") each, \(engine.engine.program)")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show the effective settings; with --origin, the file and line of each.",
            discussion: """
                Without --config, shows the settings of the running daemon, or, if no daemon runs, those that `clusterd run` \
                would read. Hides passwords. Directives that are not listed under redis have the engine's default.

                clusterd config show
                clusterd config show --dir /srv/demo
                clusterd config show --origin --config ./conf.d
                """)

        @OptionGroup var source: ConfigurationSource
        @OptionGroup var daemon: DaemonChoice
        @Flag(help: "Show where each setting comes from: file, line and column, or built in.") var origin = false
        @Flag(help: "Print one JSON document.") var json = false

        func validate() throws {
            guard daemon.isNamed, !source.config.isEmpty else { return }
            throw ValidationError(
                "--config shows the settings in files, and --dir, --socket and --cluster those of a daemon: use only one"
            )
        }

        func run() throws {
            let document: ConfigurationDocument
            do throws(Failure) {
                if let inForce = try inForce() {
                    document = inForce
                } else {
                    document = SettingsText.document(try source.load().loaded.settings)
                }
            } catch {
                throw error.json(json)
            }
            if json { return Output.result((try? ControlJSON.encode(document)) ?? []) }
            Output.result(SettingsText.text(document.settings, origin: origin))
        }

        /// The settings of the daemon; nil if --config is given, or if no daemon runs and none was named.
        private func inForce() throws(Failure) -> ConfigurationDocument? {
            guard source.config.isEmpty else { return nil }
            do throws(Failure) {
                return try daemon.client().get(.configuration, ConfigurationDocument.self)
            } catch {
                guard error.exit == ControlAPI.ExitCode.noDaemon, !daemon.isNamed else { throw error }
                return nil
            }
        }
    }
}

/// Which configuration to read; by default that of `clusterd run`.
struct ConfigurationSource: ParsableArguments {
    @Option(
        help: ArgumentHelp("Read this file or folder; may repeat [/etc/clusterd/conf.d].", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []

    static let usual = "/etc/clusterd/conf.d"

    static let defaults = ConfigurationDefaults(
        dataDirectory: "/var/lib/clusterd", socket: "/run/clusterd/control.sock")

    var paths: [String] { config.isEmpty ? [Self.usual] : config }

    func load() throws(Failure) -> (files: [ConfigurationFile], loaded: LoadedConfiguration) {
        let files = try Configuration.files(paths)
        return (files, try Configuration.load(files, Self.defaults, CommandLineSettings(), by: .onlooker))
    }

    /// Files that look like configuration and that clusterd does not read: .yml, .conf and .json.
    var passedOver: [String] {
        paths.flatMap { path -> [String] in
            guard let folder = opendir(path) else { return [] }
            defer { closedir(folder) }
            var names: [String] = []
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix(".yml") || name.hasSuffix(".conf") || name.hasSuffix(".json") {
                    names.append("\(path)/\(name)")
                }
            }
            return names.sorted()
        }
    }
}

/// The text form of `config show`: one setting a line, in columns.
enum SettingsText {
    static func document(_ settings: [EffectiveSetting]) -> ConfigurationDocument {
        ConfigurationDocument(
            settings: settings.map { .init(key: $0.key, value: $0.value, origin: $0.origin.description) })
    }

    static func text(_ settings: [ConfigurationDocument.Setting], origin: Bool) -> String {
        let keys = settings.map(\.key.count).max() ?? 0
        let values = min(40, settings.map(\.value.count).max() ?? 0)
        return settings.map { setting in
            let key = pad(setting.key, keys)
            return origin ? "\(key)  \(pad(setting.value, values))  \(setting.origin)" : "\(key)  \(setting.value)"
        }.joined(separator: "\n")
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
