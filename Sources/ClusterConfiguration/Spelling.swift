/// Finds the nearest of several words, to suggest it for a misspelled one.
package enum Spelling {
    package static func nearest(to word: String, among words: [String]) -> String? {
        let ranked = words.map { (distance(word, $0), $0) }.min { ($0.0, $0.1) < ($1.0, $1.1) }
        guard let (distance, near) = ranked, distance <= max(2, word.count / 3) else { return nil }
        return near
    }

    static func hint(_ word: String, among words: [String]) -> String? {
        nearest(to: word, among: words).map { "did you mean '\($0)'?" }
    }

    /// The edit distance: insertions, deletions, replacements and transpositions (Damerau).
    static func distance(_ a: String, _ b: String) -> Int {
        let (x, y) = (Array(a.lowercased().utf8), Array(b.lowercased().utf8))
        var rows = [[Int]](repeating: [Int](repeating: 0, count: y.count + 1), count: x.count + 1)
        for i in 0...x.count { rows[i][0] = i }
        for j in 0...y.count { rows[0][j] = j }
        guard !x.isEmpty, !y.isEmpty else { return max(x.count, y.count) }
        for i in 1...x.count {
            for j in 1...y.count {
                let change = x[i - 1] == y[j - 1] ? 0 : 1
                rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change)
                if i > 1, j > 1, x[i - 1] == y[j - 2], x[i - 2] == y[j - 1] {
                    rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
                }
            }
        }
        return rows[x.count][y.count]
    }
}
