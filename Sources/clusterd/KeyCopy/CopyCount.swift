/// What a copy did so far.
struct CopyCount: Hashable, Sendable {
    /// Keys that the cluster has acknowledged.
    var copied: Int64 = 0
    /// Those of them with a time to live.
    var expiring: Int64 = 0
    /// Keys that were found, and had expired or were deleted before they were read.
    var gone: Int64 = 0
    /// Keys of slots that another file of the backup has.
    var foreign: Int64 = 0
    /// Bytes of the payloads.
    var bytes: Int64 = 0

    static func += (sum: inout CopyCount, other: CopyCount) {
        sum.copied += other.copied
        sum.expiring += other.expiring
        sum.gone += other.gone
        sum.foreign += other.foreign
        sum.bytes += other.bytes
    }
}
