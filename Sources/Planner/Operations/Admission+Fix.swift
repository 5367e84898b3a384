import ClusterModel

/// `fix`: the repairs that the operator has seen and confirmed, as long as their findings still exist (invariant: confirmed-repair).
extension Admission {
    mutating func fix(_ ids: [String], _ key: String?) throws(Failure) -> Operation {
        guard record.stage == .formed else { throw Self.notFormed }
        let same = record.operations.last { operation in
            if operation.isOpen, case .fix(let fix) = operation.kind { fix.ids == ids } else { false }
        }
        if let same { return same }
        var repairs: [Repair] = []
        for id in ids where !repairs.contains(where: { $0.id == id }) {
            guard let repair = offered.first(where: { $0.id == id }) else {
                throw Failure(
                    .repairUnknown, "no current finding has the repair '\(id)'",
                    hint: "clusterd fix --dry-run")
            }
            repairs.append(repair.begun(at: seen.wall))
        }
        for node in repairs.compactMap(\.node) {
            guard let other = record.operations.first(where: { $0.isOpen && $0.touches(node) }) else { continue }
            throw underWay(other)
        }
        repairs = repairs.filter { !$0.comesLast } + repairs.filter(\.comesLast)
        return try add(.fix(.init(repairs)), key)
    }
}
