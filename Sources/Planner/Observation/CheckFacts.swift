import ClusterModel

/// What the checks look at and the rest of `decide` does not: asked for rarely, and remembered from turn to turn.
package struct CheckFacts: Sendable, Equatable {
    package var settings: [NodeName: SettingsReply] = [:]
    /// Since when each condition holds that held in the last turn. A condition is a finding once it has lasted: what comes
    /// and goes within moments is no finding, and one that lasts does not flicker.
    package var since: [Condition: Moment] = [:]
    /// When a person last asked for a check: what was asked before is asked again.
    package var asked: Moment?
    package var inspection: HostInspection?

    package init() {}

    /// After a turn: which conditions held in it.
    package mutating func remember(_ conditions: [Condition], at now: Moment) {
        var next: [Condition: Moment] = [:]
        for key in conditions { next[key] = since[key] ?? now }
        since = next
    }
}

/// What CONFIG GET gave for the directives that matter, or nothing where it could not be asked.
package struct SettingsReply: Sendable, Equatable {
    package var askedAt: Moment
    package var of: ProcessIdentity
    /// By lower-case name; a directive that the engine does not know is not in it.
    package var values: [String: String]
    /// The engine's words where it runs no script that reads what the promotion reads; nil: it does, or could not be asked.
    package var scriptRefused: String?
    /// How the node refused a new connection of clusterd, in its words; nil: it did not.
    package var loginRefused: String?

    package init(askedAt: Moment, of: ProcessIdentity, values: [String: String], scriptRefused: String? = nil) {
        self.askedAt = askedAt
        self.of = of
        self.values = values
        self.scriptRefused = scriptRefused
    }
}

/// What changes rarely on the host.
package struct HostInspection: Sendable, Equatable {
    package var askedAt: Moment
    /// What the server program says of itself now; nil: it is not there, or does not run.
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

/// What one turn's checks came to, beside the findings that `status` shows.
package struct CheckOutcome: Sendable, Equatable {
    /// Every condition that holds now, found already or not.
    package var conditions: [Condition] = []
    /// What only `check` shows: good to know, and nothing that happened.
    package var notices: [Finding] = []
    /// The reload that this turn knew of, and whether nodes are still being told.
    package var reloaded: Moment?
    package var isApplying = false
    /// Running nodes of which it is not known what is set since the last reload, by name.
    package var unreached: [Unreached] = []
    /// The question that this turn knew of.
    package var answers: Moment?
    /// A condition has not lasted long enough to be a finding, or facts are older than the question.
    package var isPending = false
    /// Running nodes whose directives are not known.
    package var unasked: [NodeName] = []
    /// Nothing is known of the disks, or of what else is looked at on the host now and then.
    package var lacksDisks = false
    package var lacksInspection = false

    package init() {}
}

/// A node that a reload could not compare with the configuration.
package struct Unreached: Sendable, Equatable {
    package var node: NodeName
    package var why: String
    /// It is told once it answers: the operator has nothing to do.
    package var isOnItsWay: Bool
}
