import ClusterModel

/// One file of conf.d, as read.
package struct ConfigurationFile: Hashable, Sendable {
    /// The name shown in errors.
    package var name: String
    package var text: [UInt8]
    /// Whether it has the settings that clusterd kept from redis.conf files written by hand. conf.d takes precedence over them.
    package var isKept: Bool

    package init(name: String, text: [UInt8], isKept: Bool = false) {
        self.name = name
        self.text = text
        self.isKept = isKept
    }
}

/// The settings of the command line, which take precedence.
package struct CommandLineSettings: Hashable, Sendable {
    package var masters: Int?
    package var replicas: Int?
    package var port: Int?
    package var server: String?
    package var dataDirectory: String?
    /// `redis.maxmemory=100mb`.
    package var sets: [String] = []

    package init() {}
}

/// The defaults, which differ between `up` and `run`.
package struct ConfigurationDefaults: Hashable, Sendable {
    /// Absolute.
    package var dataDirectory: String
    /// nil: the data folder's name.
    package var name: String?
    /// nil: `control.sock` in the data folder.
    package var socket: String?
    /// For a temporary cluster (`ClusterSpec.isTemporary`): the first port that it tries. It has no replicas
    /// and keeps nothing on disk by default.
    package var temporaryPort: Int?

    package init(dataDirectory: String, name: String? = nil, socket: String? = nil, temporaryPort: Int? = nil) {
        self.dataDirectory = dataDirectory
        self.name = name
        self.socket = socket
        self.temporaryPort = temporaryPort
    }
}

/// An effective setting and its origin. Secrets are hidden.
package struct EffectiveSetting: Hashable, Sendable {
    package var key: String
    package var value: String
    package var origin: ClusterSpec.Origin
}

package struct LoadedConfiguration: Hashable, Sendable {
    package var spec: ClusterSpec
    package var settings: [EffectiveSetting]
    package var warnings: [ConfigurationError]
    /// Settings from redis.conf files written by hand that clusterd has not saved yet.
    package var handMade: HandMadeSettings?

    /// The position at which a setting was written.
    package func origin(_ key: ConfigurationKey) -> String {
        (settings.first { $0.key == key.path }?.origin ?? .builtIn).description
    }
}

package enum ConfigurationLoader {
    /// Reads the files in their order, each key overriding the one before it, then the command line.
    /// - Parameters:
    ///   - workingDirectory: what relative paths on the command line are relative to.
    ///   - readSecret: returns the password at a place; nil: it is not available here. The error's text is shown.
    package static func load(
        _ files: [ConfigurationFile], _ defaults: ConfigurationDefaults, commandLine: CommandLineSettings,
        handMade: HandMadeSettings? = nil, readSecret: @escaping (SecretSource) throws -> String?
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        var (loaded, errors) = read(files, defaults, commandLine, handMade, readSecret)
        guard errors.isEmpty else { throw ConfigurationErrors(errors: errors) }
        loaded.handMade = handMade
        return loaded
    }

    /// The valid parts of a configuration, ignoring errors: enough to know where the nodes' folders are.
    package static func outline(
        _ files: [ConfigurationFile], _ defaults: ConfigurationDefaults, commandLine: CommandLineSettings
    ) -> ClusterSpec {
        read(files, defaults, commandLine, nil) { _ in "unknown" }.loaded.spec
    }

    private static func read(
        _ files: [ConfigurationFile], _ defaults: ConfigurationDefaults, _ commandLine: CommandLineSettings,
        _ handMade: HandMadeSettings?, _ readSecret: @escaping (SecretSource) throws -> String?
    ) -> (loaded: LoadedConfiguration, errors: [ConfigurationError]) {
        var settings = Settings()
        if let handMade { settings.keep(handMade) }
        for file in files { settings.read(file) }
        apply(commandLine, &settings)
        var reader = SpecReader(settings, defaults, readSecret: readSecret)
        let loaded = reader.read()
        return (loaded, reader.errors)
    }

    private static func apply(_ commandLine: CommandLineSettings, _ settings: inout Settings) {
        func scalar(_ text: String) -> YAMLNode {
            YAMLNode(content: .scalar(text, isPlain: true), mark: Mark(line: 1, column: 1))
        }
        if let masters = commandLine.masters { settings.set(.masters, scalar(String(masters))) }
        if let replicas = commandLine.replicas { settings.set(.replicas, scalar(String(replicas))) }
        if let port = commandLine.port { settings.set(.ports, scalar(String(port))) }
        if let server = commandLine.server { settings.set(.server, scalar(server)) }
        if let directory = commandLine.dataDirectory { settings.set(.dataDirectory, scalar(directory)) }
        for text in commandLine.sets {
            guard let equals = text.firstIndex(of: "="), text.hasPrefix("redis.") else {
                settings.fail(.commandLine, "--set \(text): redis.DIRECTIVE=VALUE is expected")
                continue
            }
            let name = String(text[text.index(text.startIndex, offsetBy: 6)..<equals]).lowercased()
            let value = String(text[text.index(after: equals)...])
            if name.isEmpty {
                settings.fail(.commandLine, "--set \(text): the directive has no name")
            } else {
                settings.setDirective(
                    name, YAMLNode(content: .scalar(value, isPlain: false), mark: Mark(line: 1, column: 1)))
            }
        }
    }
}
