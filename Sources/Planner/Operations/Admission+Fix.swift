import ClusterModel

/// `fix`: what a person has seen and said yes to, as long as it is still found (invariant: confirmed-repair).
extension Admission {
    mutating func fix(_ ids: [String], _ key: String?) throws(Refusal) -> Operation {
        guard record.stage == .formed else { throw Self.notFormed }
        let same = record.operations.last { operation in
            if operation.isOpen, case .fix(let fix) = operation.kind { fix.ids == ids } else { false }
        }
        if let same { return same }
        var mends: [Mend] = []
        for id in ids where !mends.contains(where: { $0.id == id }) {
            guard let mend = offered.first(where: { $0.id == id }) else {
                throw Refusal(
                    "mend-unknown", "nothing that is found now is mended by '\(id)'", hint: "clusterd fix --dry-run",
                    exit: 1)
            }
            mends.append(mend.begun(at: seen.wall))
        }
        for node in mends.compactMap(\.node) {
            guard let other = record.operations.first(where: { $0.isOpen && $0.touches(node) }) else { continue }
            throw underWay(other)
        }
        return try add(.fix(.init(mends)), key)
    }
}
