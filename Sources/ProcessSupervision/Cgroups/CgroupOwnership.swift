import CProcess
import Glibc

/// Whether clusterd may divide a cgroup. Each cgroup has one manager, mostly systemd, and only delegated cgroups may be changed
/// (systemd, docs/CGROUP_DELEGATION.md).
struct CgroupOwnership: Hashable, Sendable {
    /// `domain`, `threaded` …; nil: it is the root cgroup.
    var type: String?
    /// Whether this user can create folders in it and move processes to them.
    var isWritable: Bool
    /// Whether systemd has marked it as delegated.
    var isMarked: Bool
    /// Whether it belongs to a unit.
    var isOfUnit: Bool
    /// The owners of the folder and of its parent.
    var owner: uid_t
    var ownerAbove: uid_t?
    var user: uid_t
    /// Processes in it that do not belong to clusterd.
    var others: Int
    /// Cgroups in it that clusterd would not have created.
    var strangers: [String]

    /// Why clusterd may not divide it; nil: it may.
    var refusal: String? {
        guard let type else { return "is the root cgroup, which cannot be delegated" }
        guard type == "domain" else { return "is \(type)" }
        guard isWritable else { return "cannot be divided by this user" }
        if isMarked { return nil }
        // The parent belongs to another user, and this cgroup was given to this user.
        if user != 0, owner == user, let ownerAbove, ownerAbove != user { return nil }
        guard !isOfUnit else { return "belongs to a systemd unit without Delegate=" }
        guard others == 0, strangers.isEmpty else { return "is not used by clusterd alone" }
        return nil
    }

    /// - Parameter ours: the names of the cgroups that clusterd creates.
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

    /// The name spaces of extended attributes: only root can read the second one, and systemd before 251 sets only that.
    private static let kinds = ["user", "trusted"]
}
