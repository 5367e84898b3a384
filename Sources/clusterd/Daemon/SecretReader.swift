import ClusterConfiguration
import Glibc
import NodeFiles

/// Reads the passwords that the configuration names.
enum SecretReader: Sendable {
    /// Who runs the nodes, and must know them.
    case daemon
    /// Who only looks at the configuration: what systemd gives to the service is not there for others.
    case onlooker

    private static let variable = "CREDENTIALS_DIRECTORY"
    private static let limit = 4096

    /// nil: it cannot be known here.
    func read(_ source: SecretSource) throws -> String? {
        switch source {
        case .file(let path): return String(decoding: try readFile(path, limit: Self.limit), as: UTF8.self)
        case .credential(let name):
            guard let folder = getenv(Self.variable).map({ String(cString: $0) }), !folder.isEmpty else {
                if self == .onlooker { return nil }
                throw NoCredentials(name: name)
            }
            do {
                return String(decoding: try readFile("\(folder)/\(name)", limit: Self.limit), as: UTF8.self)
            } catch {
                throw UnreadableCredential(name: name, error: error)
            }
        }
    }

    private struct NoCredentials: Error, CustomStringConvertible {
        var name: String
        var description: String {
            "the credential '\(name)' is not there: $\(SecretReader.variable) is not set, which systemd does for a unit with "
                + "LoadCredential=\(name):PATH; elsewhere use {file: PATH}"
        }
    }

    private struct UnreadableCredential: Error, CustomStringConvertible {
        var name: String
        var error: FileError
        var description: String {
            "\(error)" + (error.code == ENOENT ? "; the unit needs LoadCredential=\(name):PATH" : "")
        }
    }
}
