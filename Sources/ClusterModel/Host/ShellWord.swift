/// Words of a command for a shell: in hints, and in notes that are printed for the operator to paste.
package enum ShellWord {
    /// The word quoted for sh(1), unchanged if it has no character that the shell treats specially.
    package static func quoted(_ word: some StringProtocol) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
        return isPlain
            ? String(word)
            : "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
    }

    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_".utf8)
}
