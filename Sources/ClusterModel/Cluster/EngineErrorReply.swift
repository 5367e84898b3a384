/// The meaning of an engine's error reply, as far as clusterd acts on it. The first word of a reply is its kind (`addReplyErrorFormat`,
/// src/networking.c); only this code reads it.
package enum EngineErrorReply: Sendable, Hashable {
    /// `ERR`: the engine understood the command and rejects it.
    case refused
    /// The engine has no connection left for clusterd.
    case noConnectionLeft
    /// It has been running a script or a function for too long.
    case busy(BusyWith)
    case loading
    /// It does not know, or does not accept, the client: `NOAUTH`, `WRONGPASS`.
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

    /// Whether the engine rejected the command, and not the client.
    package var isRefusal: Bool { self == .refused || self == .noConnectionLeft }
    /// Whether the rejection is about the client, and not about the command.
    package var isAboutAccess: Bool { self == .loginRefused || self == .permissionDenied }
}

/// Why MIGRATE did not move all of its keys (`migrateCommand`, src/cluster.c). Those that it did move are gone from the source.
package enum MigrateRefusal: Sendable, Hashable {
    /// The target has a key of that name (`BUSYKEY`).
    case keyExists
    /// The target uses more than its `maxmemory` (`OOM`).
    case targetFull
    /// The target does not accept the login, in its words.
    case loginRefused(String)
    /// In the engine's words.
    case other(String)

    package init(_ text: String) {
        // The source passes the target's error on: `ERR Target instance replied with error: BUSYKEY Target key name already exists.`
        if text.contains("BUSYKEY") {
            self = .keyExists
        } else if text.contains(" OOM ") {
            self = .targetFull
        } else if text.contains("WRONGPASS") || text.contains("NOAUTH") {
            self = .loginRefused(text)
        } else {
            self = .other(text)
        }
    }
}

/// Why RESTORE, or a deletion, was not carried out by a node of the cluster to which keys are copied.
package enum CopyRefusal: Sendable, Hashable {
    /// The node does not own the slot, does not serve it, or cannot write at the moment: another attempt may succeed.
    case temporary(String)
    /// `maxmemory` is reached, and nothing may be evicted (`OOM`).
    case full
    /// The engine does not understand the payload: another version wrote it (`restoreCommand`, src/cluster.c).
    case unreadable
    /// In the engine's words.
    case other(String)

    package init(_ text: String) {
        let kind = text.prefix { $0 != " " }
        switch kind {
        case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "MISCONF",
            "BUSY":
            self = .temporary(text)
        case "OOM": self = .full
        case "ERR" where text.contains("Bad data format") || text.contains("DUMP payload version"):
            self = .unreadable
        default: self = .other(text)
        }
    }
}
