import CProcess
import Glibc

/// Whether a cgroup is ours to divide. Each has one that manages it, systemd mostly, and only what it gives away may be touched
/// (systemd, docs/CGROUP_DELEGATION.md).
struct CgroupOwnership: Hashable, Sendable {
    /// `domain`, `threaded` …; nil: it is the root of all.
    var type: String?
    /// Folders can be made in it, and processes be moved to them.
    var isWritable: Bool
    /// systemd has marked it as given away.
    var isMarked: Bool
    /// It is a unit's.
    var isOfUnit: Bool
    /// Who owns the folder, and the one above it.
    var owner: uid_t
    var ownerAbove: uid_t?
    var user: uid_t
    /// Processes in it that are none of ours.
    var others: Int
    /// Cgroups in it that clusterd would not have made.
    var strangers: [String]

    /// Why it is not; nil: it is.
    var refusal: String? {
        guard let type else { return "is the root of all, which nobody gives away" }
        guard type == "domain" else { return "is \(type)" }
        guard isWritable else { return "may not be divided by this user" }
        if isMarked { return nil }
        // What is above belongs to somebody else, and this was made ours.
        if user != 0, owner == user, let ownerAbove, ownerAbove != user { return nil }
        guard !isOfUnit else { return "belongs to a unit of systemd that has no Delegate=" }
        guard others == 0, strangers.isEmpty else { return "is not clusterd's alone" }
        return nil
    }

    /// - Parameter ours: this process, and what it may find in the group of its own.
    init(_ cgroup: Cgroup, ours: Set<String>) {
        let folder = cgroup.folder
        type = cgroup.words("cgroup.type").isEmpty ? nil : cgroup.words("cgroup.type").joined(separator: " ")
        let files: [String] = [folder, "\(folder)/cgroup.procs", "\(folder)/cgroup.subtree_control"]
        isWritable = files.allSatisfy { access($0, W_OK) == 0 }
        isMarked = Self.kinds.contains { cl_attribute_is_set(folder, "\($0).delegate") == 1 }
        isOfUnit = Self.kinds.contains { cl_attribute_is_set(folder, "\($0).invocation_id") >= 0 }
        var status = stat()
        owner = stat(folder, &status) == 0 ? status.st_uid : uid_t.max
        ownerAbove = cgroup.parent.flatMap { stat($0.folder, &status) == 0 ? status.st_uid : nil }
        user = geteuid()
        others = cgroup.processes.count { $0 != getpid() }
        strangers = cgroup.children.filter { !ours.contains($0) && !$0.hasPrefix(NodeCgroups.nodePrefix) }
    }

    init(
        type: String?, isWritable: Bool, isMarked: Bool, isOfUnit: Bool, owner: uid_t, ownerAbove: uid_t?, user: uid_t,
        others: Int, strangers: [String]
    ) {
        self.type = type
        self.isWritable = isWritable
        self.isMarked = isMarked
        self.isOfUnit = isOfUnit
        self.owner = owner
        self.ownerAbove = ownerAbove
        self.user = user
        self.others = others
        self.strangers = strangers
    }

    /// Of extended attributes: who is not root reads the first, and before systemd 251 there was only the second.
    private static let kinds = ["user", "trusted"]
}
