import ClusterModel

extension SlotSet {
    /// `slot 12`, `slots 0-5460`, or how many where that would be long.
    var named: String {
        if count == 1 { return "slot \(self)" }
        return ranges.count <= 4 ? "slots \(self)" : "\(count) slots"
    }
}
