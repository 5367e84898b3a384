import ClusterModel

/// The part of a shard's writes that a copy holds: the first writes of one stream, and of the streams that it
/// continues, up to where each was left.
struct Copy: Hashable {
    var stream: Int
    var count: Int
}

/// Every stream of writes that a master began. A stream continues from the data of its master, so the data of a node
/// are always the beginning of a path through the streams, and whether a node has the data of another is known exactly.
struct Writes {
    struct Stream {
        /// The replication id.
        let id: String
        let shard: Int
        let parent: Copy?
        let firstOffset: Int64
        /// The number of its acknowledged writes.
        var acknowledged = 0
        /// Its writes to tracked keys, by key, in their order.
        var changes: [Int: [Change]] = [:]
    }

    /// A tracked key gets a value, or is deleted.
    struct Change {
        /// The number of the write in its stream.
        let place: Int
        let version: Int?
    }

    /// Of one write in a stream, and in an append-only file.
    static let bytes: Int64 = 50

    var contents = Contents.firstDatabase

    private(set) var streams: [Stream] = []

    mutating func begin(id: String, shard: Int, after parent: Copy?, offset: Int64) -> Copy {
        streams.append(Stream(id: id, shard: shard, parent: parent, firstOffset: offset))
        return Copy(stream: streams.count - 1, count: 0)
    }

    mutating func acknowledge(_ copy: Copy) {
        streams[copy.stream].acknowledged = max(streams[copy.stream].acknowledged, copy.count)
    }

    /// The last write of `copy` sets that key; nil: deletes it.
    mutating func note(_ key: Int, _ version: Int?, at copy: Copy) {
        streams[copy.stream].changes[key, default: []].append(Change(place: copy.count, version: version))
    }

    /// The value of a tracked key in these data; nil: they do not have it.
    func version(of key: Int, in copy: Copy?) -> Int? {
        var at = copy
        while let here = at {
            if let change = streams[here.stream].changes[key]?.last(where: { $0.place <= here.count }) {
                return change.version
            }
            at = streams[here.stream].parent
        }
        return nil
    }

    func offset(_ copy: Copy) -> Int64 { streams[copy.stream].firstOffset + Int64(copy.count) * Self.bytes }

    func keys(_ copy: Copy?) -> Int { path(copy).reduce(0) { $0 + $1.count } }

    /// The streams on its path, the last one first, and the number of writes of each.
    func path(_ copy: Copy?) -> [Copy] {
        var found: [Copy] = []
        var at = copy
        while let here = at {
            if here.count > 0 { found.append(here) }
            at = streams[here.stream].parent
        }
        return found
    }

    func count(of stream: Int, in copy: Copy?) -> Int {
        var at = copy
        while let here = at, here.stream >= stream {
            if here.stream == stream { return here.count }
            at = streams[here.stream].parent
        }
        return 0
    }

    /// Whether `copy` holds all writes of `other`.
    func contains(_ other: Copy?, in copy: Copy?) -> Bool {
        guard let last = path(other).first else { return true }
        return count(of: last.stream, in: copy) >= last.count
    }

    /// The number of acknowledged writes in `copy` and in none of the others.
    func only(in copy: Copy?, notIn others: [Copy?], shard: Int? = nil) -> Int {
        path(copy).reduce(0) { sum, part in
            guard shard == nil || streams[part.stream].shard == shard else { return sum }
            let known = min(part.count, streams[part.stream].acknowledged)
            let elsewhere = others.map { count(of: part.stream, in: $0) }.max() ?? 0
            return sum + max(0, known - elsewhere)
        }
    }

    /// The number of acknowledged writes of a shard that are not in `copy`.
    func missing(from copy: Copy?, shard: Int) -> Int {
        streams.indices.reduce(0) { sum, index in
            guard streams[index].shard == shard else { return sum }
            return sum + max(0, streams[index].acknowledged - count(of: index, in: copy))
        }
    }

    /// Without its last writes.
    func shortened(_ copy: Copy?, by writes: Int) -> Copy? {
        var left = writes
        var at = copy
        while let here = at {
            if here.count > left { return Copy(stream: here.stream, count: here.count - left) }
            left -= here.count
            at = streams[here.stream].parent
        }
        return nil
    }
}
