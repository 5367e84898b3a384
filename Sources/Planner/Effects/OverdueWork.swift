import ClusterModel

/// File work that has not returned: the disk below it does not respond.
package struct OverdueWork: Sendable, Hashable {
    /// The work, as in `writing`.
    package var doing: String
    package var path: String
    package var since: Moment

    package init(doing: String, path: String, since: Moment) {
        self.doing = doing
        self.path = path
        self.since = since
    }
}

extension Turn {
    /// One finding for each path. The time is given as a moment and not as a duration, so that the sentence stays the same.
    mutating func reportOverdueWork() {
        for work in seen.overdue {
            let since = seen.wall + (.zero - (now - work.since))
            emit(
                Finding(
                    .diskHangs, .error, node: members.first { work.path.hasPrefix($0.directory + "/") }?.name,
                    about: .path(work.path),
                    "\(work.doing) \(work.path) has not returned since \(since.clock): its disk does not respond; clusterd still replaces "
                        + "dead masters, and running nodes stay up; changes that need that disk wait",
                    hint: work.path.hasPrefix("/") ? "findmnt -T \(ShellWord.quoted(work.path))" : nil))
        }
    }
}
