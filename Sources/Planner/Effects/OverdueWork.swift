import ClusterModel

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
