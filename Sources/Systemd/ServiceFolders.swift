import Glibc

/// The folders that systemd created for the service: StateDirectory= and RuntimeDirectory= of its unit (systemd.exec(5)). They give
/// each `clusterd@NAME` its own folders.
package struct ServiceFolders: Hashable, Sendable {
    /// Absolute paths; nil if the unit sets none, or without a unit.
    package let state: String?
    package let runtime: String?

    /// Takes the first of several folders, which are separated by colons.
    package init(state: String?, runtime: String?) {
        func first(_ list: String?) -> String? {
            list?.split(separator: ":").first.map(String.init).flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        self.state = first(state)
        self.runtime = first(runtime)
    }

    package static func fromEnvironment() -> ServiceFolders {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        return ServiceFolders(state: value("STATE_DIRECTORY"), runtime: value("RUNTIME_DIRECTORY"))
    }
}
