import ClusterModel

/// Facts that only the checks use: queried rarely, and remembered from turn to turn.
package struct CheckFacts: Sendable, Equatable {
    package var settings: [NodeName: SettingsReply] = [:]
    /// Since when each condition of the last turn has held. A condition becomes a finding once it has lasted: a short one is never
    /// reported, and a lasting one does not flicker.
    package var since: [Condition: Moment] = [:]
    /// When the operator last asked for a check: facts from before that are queried again.
    package var asked: Moment?
    /// When the operator last asked which nodes have keys of slots that others own. Only then are they counted.
    package var keysAsked: Moment?
    package var inspection: HostInspection?

    package init() {}

    /// After a turn: the conditions that held in it.
    package mutating func remember(_ conditions: [Condition], at now: Moment) {
        var next: [Condition: Moment] = [:]
        for key in conditions { next[key] = since[key] ?? now }
        since = next
    }
}

/// What CONFIG GET returned for the relevant directives, or nothing if it could not be asked.
package struct SettingsReply: Sendable, Equatable {
    package var askedAt: Moment
    package var of: ProcessIdentity
    /// By lower-case name; a directive that the engine does not know is missing.
    package var values: [String: String]
    /// The engine's words if it cannot run the script that reads what the promotion reads; nil: it can, or could not be asked.
    package var scriptRefused: String?
    /// How the node rejected a new connection from clusterd, in its words; nil: it did not.
    package var loginRefused: String?

    package init(askedAt: Moment, of: ProcessIdentity, values: [String: String], scriptRefused: String? = nil) {
        self.askedAt = askedAt
        self.of = of
        self.values = values
        self.scriptRefused = scriptRefused
    }
}

/// Host facts that change rarely.
package struct HostInspection: Sendable, Equatable {
    package var askedAt: Moment
    /// The version that the server program reports now; nil: it is missing, or does not run.
    package var engine: Engine?
    package var quarantineBytes: Int64
    package var quarantineFolders: Int
    package var copies: [KeptCopy]
    package var certificates: [CertificateReading]

    package init(
        askedAt: Moment, engine: Engine?, quarantineBytes: Int64, quarantineFolders: Int, copies: [KeptCopy] = [],
        certificates: [CertificateReading] = []
    ) {
        self.certificates = certificates
        self.copies = copies
        self.askedAt = askedAt
        self.engine = engine
        self.quarantineBytes = quarantineBytes
        self.quarantineFolders = quarantineFolders
    }
}

/// The result of one turn's checks, in addition to the findings that `status` shows.
package struct CheckOutcome: Sendable, Equatable {
    /// Every condition that holds now, reported already or not.
    package var conditions: [Condition] = []
    /// Notices that only `check` shows: useful to know, but not incidents.
    package var notices: [Finding] = []
    /// The reload that this turn knew of, and whether nodes still have to get its settings.
    package var reloaded: Moment?
    package var isApplying = false
    /// Running nodes whose settings since the last reload are unknown, by name.
    package var unreached: [Unreached] = []
    /// The check request that this turn knew of.
    package var answers: Moment?
    /// A condition has not lasted long enough to be a finding, or facts are older than the request.
    package var isPending = false
    /// Running nodes whose directives are unknown.
    package var unasked: [NodeName] = []
    /// The disks, or the other rarely read host facts, have not been read yet.
    package var lacksDisks = false
    package var lacksInspection = false

    package init() {}
}

/// A node that a reload could not compare with the configuration.
package struct Unreached: Sendable, Equatable {
    package var node: NodeName
    package var why: String
    /// It gets the settings once it answers: the operator has nothing to do.
    package var isOnItsWay: Bool
}
