extension Duration {
    /// For display: `40 ms`, `2.1 s`, `5 s`, `75 s`, `12 min`, `5 h`, `3 days`.
    package var inWords: String {
        let milliseconds = inMilliseconds
        switch milliseconds {
        case ..<1000: return "\(milliseconds) ms"
        case ..<10_000:
            let tenths = milliseconds % 1000 / 100
            return tenths == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds / 1000).\(tenths) s"
        case ..<120_000: return "\(milliseconds / 1000) s"
        case ..<7_200_000: return "\(milliseconds / 60_000) min"
        case ..<172_800_000: return "\(milliseconds / 3_600_000) h"
        default: return "\(milliseconds / 86_400_000) days"
        }
    }
}
