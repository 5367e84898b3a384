import ControlAPI
import ControlServer
import Glibc

/// What clusterd hands over to the next program in an upgrade in place: the meaning of the open descriptors. It is passed in an
/// environment variable that names the process it is for, like systemd's LISTEN_FDS.
struct UpgradeHandoff: Sendable, Codable {
    static let variable = "CLUSTERD_INHERITED"
    /// Increased when an older program would misread the format.
    private static let currentForm = 1

    /// The handoff found in the environment.
    enum Offer: Sendable {
        case ours(UpgradeHandoff)
        /// For the process that started this one, which tries whether this program could take over.
        case tried(UpgradeHandoff)
        case notUnderstood(String)
    }

    var form = UpgradeHandoff.currentForm
    var pid: Int32
    /// The version of the program that hands over.
    var version: String
    var dataDirectory: String
    /// `<data>/lock`, held.
    var lock: Int32
    /// Signals that arrived and were not handled.
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

    /// Takes the handoff out of the environment, and marks the descriptors close-on-exec. Must be called before there is a second
    /// thread, because setenv(3) is not thread-safe.
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
