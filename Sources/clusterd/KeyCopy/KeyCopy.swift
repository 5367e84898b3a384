import ClusterModel

/// Copies keys of one source into the running cluster, one batch after the other: about four megabytes are in memory.
struct KeyCopy {
    let source: CopySource
    let target: TargetCluster
    /// The slots whose keys are copied; nil: all.
    var slots: SlotSet?
    private var size = BatchSize()

    init(_ source: CopySource, _ target: TargetCluster, slots: SlotSet? = nil) {
        self.source = source
        self.target = target
        self.slots = slots
    }

    /// Copies all keys that are there from the beginning to the end of the copy.
    /// - Parameter count: what was copied so far; also what this copy does.
    mutating func copyAll(_ count: inout CopyCount, _ progress: inout CopyProgress) async throws(Failure) {
        var cursor = "0"
        repeat {
            let page = try await source.scan(from: cursor)
            cursor = page.cursor
            var names = page.names
            if let slots {
                names = names.filter { slots.contains(hashSlot(of: $0)) }
                count.foreign += Int64(page.names.count - names.count)
            }
            count += try await copy(names, deletingMissing: false)
            progress.show(count.copied)
        } while cursor != "0"
    }

    /// Copies these keys in batches.
    /// - Parameter deletingMissing: whether the cluster loses those that the source does not have.
    mutating func copy(_ names: [[UInt8]], deletingMissing: Bool) async throws(Failure) -> CopyCount {
        var count = CopyCount()
        var rest = names[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(size.keys))
            rest = rest.dropFirst(batch.count)
            let found = try await source.read(batch)
            let bytes = found.reduce(Int64(0)) { $0 + Int64($1.payload.count) }
            size.adapt(keys: found.count, bytes: bytes)
            try await target.store(found)
            count.copied += Int64(found.count)
            count.expiring += Int64(found.count(where: { $0.expiresAt > 0 }))
            count.gone += Int64(batch.count - found.count)
            count.bytes += bytes
            if deletingMissing, found.count < batch.count {
                let present = Set(found.map(\.name))
                try await target.delete(batch.filter { !present.contains($0) })
            }
        }
        return count
    }
}
