import Glibc

/// The folders that systemd made for the service: StateDirectory= and RuntimeDirectory= of its unit (systemd.exec(5)). This is
/// how `clusterd@NAME` has folders of its own.
package struct ServiceFolders: Hashable, Sendable {
    /// Absolute; nil where the unit names none, or where there is no unit.
    package let state: String?
    package let runtime: String?

    /// Several are separated by colons: the first is ours.
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
