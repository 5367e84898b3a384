import ClusterConfiguration
import ClusterModel

struct NoSuchFile: Error, CustomStringConvertible {
    var path: String
    var description: String { "\(path): No such file or directory" }
}

/// Loads one text as `a.yaml`, with these password files and systemd credentials; nil: credentials are unknown here.
func load(
    _ texts: String..., commandLine: CommandLineSettings = CommandLineSettings(), secrets: [String: String] = [:],
    credentials: [String: String]? = [:]
) throws(ConfigurationErrors) -> LoadedConfiguration {
    let names = ["a.yaml", "b.yaml", "c.yaml"]
    let files = zip(names, texts).map { ConfigurationFile(name: $0, text: Array($1.utf8)) }
    return try ConfigurationLoader.load(
        files, ConfigurationDefaults(dataDirectory: "/srv/demo"), commandLine: commandLine
    ) { source in
        switch source {
        case .file(let path):
            guard let secret = secrets[path] else { throw NoSuchFile(path: path) }
            return secret
        case .credential(let name):
            guard let credentials else { return nil }
            guard let secret = credentials[name] else { throw NoSuchFile(path: "/run/credentials/\(name)") }
            return secret
        }
    }
}

/// The errors in a text; empty if it is valid.
func complaints(_ texts: String) -> [String] {
    do {
        _ = try load(texts)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}
