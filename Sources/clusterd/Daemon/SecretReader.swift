import ClusterConfiguration
import Glibc
import NodeFiles

/// Reads the passwords that the configuration names.
enum SecretReader: Sendable {
    /// The daemon, which needs the passwords.
    case daemon
    /// A command that only shows the configuration: credentials that systemd gives to the service are not available to it.
    case onlooker

    private static let variable = "CREDENTIALS_DIRECTORY"
    private static let limit = 4096

    /// nil: the password is not available to this process.
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
            "the credential '\(name)' is missing: $\(SecretReader.variable) is not set; systemd sets it for a unit with "
                + "LoadCredential=\(name):PATH; without systemd, use {file: PATH}"
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
