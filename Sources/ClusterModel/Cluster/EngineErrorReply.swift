/// What an error reply of the engine says, as far as clusterd acts on it. The first word of a reply is its kind (`addReplyErrorFormat`,
/// src/networking.c); this is the one place that reads it.
package enum EngineErrorReply: Sendable, Hashable {
    /// `ERR`: the engine understood the command and refuses it.
    case refused
    /// The engine has no connection left for clusterd.
    case noConnectionLeft
    /// It runs a script, or a function, for too long.
    case busy(BusyWith)
    case loading
    /// It does not know, or does not admit, who asks: `NOAUTH`, `WRONGPASS`.
    case loginRefused
    /// The user may not run the command.
    case permissionDenied
    case other

    package enum BusyWith: Sendable, Hashable { case script, function }

    package init(_ text: String) {
        switch text.prefix(while: { $0 != " " }) {
        case "BUSY": self = .busy(text.contains("FUNCTION KILL") ? .function : .script)
        case "LOADING": self = .loading
        case "NOAUTH", "WRONGPASS": self = .loginRefused
        case "NOPERM": self = .permissionDenied
        case "ERR": self = text.contains("max number of clients") ? .noConnectionLeft : .refused
        default: self = text.contains("max number of clients") ? .noConnectionLeft : .other
        }
    }

    /// Whether the engine refused the command, and not the one who asked.
    package var isRefusal: Bool { self == .refused || self == .noConnectionLeft }
    /// Whether it is about who asks, and not about what is asked.
    package var isAboutAccess: Bool { self == .loginRefused || self == .permissionDenied }
}
