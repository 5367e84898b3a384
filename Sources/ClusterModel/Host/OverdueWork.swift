/// File work that has not returned within its expected time: the disk below it does not respond.
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
