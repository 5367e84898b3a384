import Foundation

/// The files of this project, as text.
struct SourceFile {
    /// From the project's root: `Sources/Planner/Decide.swift`.
    var path: String
    var text: String

    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// Without comments, as far as a single line shows them.
    var code: [Substring] {
        lines.map { line in
            let trimmed = line.drop { $0 == " " }
            return trimmed.hasPrefix("//") ? "" : line
        }
    }
    var imports: Set<String> {
        Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else { return nil }
                return String(words[at + 1])
            })
    }
}

enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static func files(in folder: String, suffix: String = ".swift") -> [SourceFile] {
        let all = FileManager.default.enumerator(atPath: "\(root)/\(folder)")
        var files: [SourceFile] = []
        while let name = all?.nextObject() as? String {
            guard name.hasSuffix(suffix) else { continue }
            files.append(SourceFile(path: "\(folder)/\(name)", text: text("\(folder)/\(name)")))
        }
        return files.sorted { $0.path < $1.path }
    }

    static func text(_ path: String) -> String {
        (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
    }
}
