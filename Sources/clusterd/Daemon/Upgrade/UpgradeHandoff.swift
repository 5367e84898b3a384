import ControlAPI
import ControlServer
import Glibc

/// What a clusterd hands on to the program that takes its place in the same process: which of the open descriptors are what.
/// In an environment variable that names the process it is for, as systemd's LISTEN_FDS does.
struct UpgradeHandoff: Sendable, Codable {
    static let variable = "CLUSTERD_INHERITED"
    /// Raised when an older program would be misled.
    private static let currentForm = 1

    /// What is found in the environment.
    enum Offer: Sendable {
        case ours(UpgradeHandoff)
        /// It is meant for the process that started this one: whether it could be taken over is being tried.
        case tried(UpgradeHandoff)
        case notUnderstood(String)
    }

    var form = UpgradeHandoff.currentForm
    var pid: Int32
    /// Of the program that hands it on.
    var version: String
    var dataDirectory: String
    /// `<data>/lock`, held.
    var lock: Int32
    /// Signals that came and were not looked at.
    var signals: Int32
    var control: InheritedSocket?
    var metrics: InheritedSocket?

    init(
        version: String, dataDirectory: String, lock: Int32, signals: Int32, control: InheritedSocket?,
        metrics: InheritedSocket?
    ) {
        pid = getpid()
        self.version = version
        self.dataDirectory = dataDirectory
        self.lock = lock
        self.signals = signals
        self.control = control
        self.metrics = metrics
    }

    var descriptors: [Int32] { [lock, signals] + [control, metrics].compactMap { $0?.descriptor } }

    var text: String { String(decoding: (try? ControlJSON.encode(self)) ?? [], as: UTF8.self) }

    /// Takes it out of the environment, and marks the descriptors so that no child gets them. To be called before there is a second
    /// thread, as setenv(3) is not thread-safe.
    static func take() -> Offer? {
        guard let value = getenv(variable) else { return nil }
        let text = String(cString: value)
        unsetenv(variable)
        guard let inherited = try? ControlJSON.decode(UpgradeHandoff.self, from: Array(text.utf8)),
            inherited.form == currentForm
        else { return .notUnderstood(text) }
        guard inherited.pid == getpid() else { return .tried(inherited) }
        for descriptor in inherited.descriptors { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return .ours(inherited)
    }
}
