import CProcess
import Glibc

/// One word of a command line, or one environment variable: any bytes except NUL. A `String` could not hold invalid UTF-8.
package struct CommandWord: Hashable, Sendable {
    package var bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(bytes: [UInt8]) { self.bytes = bytes }

    private init(_ text: UnsafePointer<CChar>) {
        bytes = UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 }
    }

    /// As text, for messages.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The command line of this process.
    package static var arguments: [CommandWord] {
        (0..<Int(CommandLine.argc)).compactMap { CommandLine.unsafeArgv[$0].map { CommandWord($0) } }
    }

    /// The environment of this process.
    package static var environment: [CommandWord] {
        var words: [CommandWord] = []
        guard var entry = cl_environment() else { return [] }
        while let text = entry.pointee {
            words.append(CommandWord(text))
            entry += 1
        }
        return words
    }

    /// A copy of an environment with some variables replaced or added, and some removed.
    package static func environment(
        _ variables: [CommandWord], without others: [String] = [], setting values: [(name: String, value: String)]
    ) -> [CommandWord] {
        let names = (values.map(\.name) + others).map { Array("\($0)=".utf8) }
        return variables.filter { variable in !names.contains { variable.bytes.starts(with: $0) } }
            + values.map { CommandWord("\($0.name)=\($0.value)") }
    }

    /// The array for execve(2). The caller must free each element.
    static func vector(_ words: [CommandWord]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { word in strdup(word.bytes.map { CChar(bitPattern: $0) } + [0]) } + [nil]
    }
}

/// Finds a command as execvp(3) does.
package enum CommandSearch {
    /// - Parameter path: directories separated by `:`; an empty one is the working directory.
    /// - Returns: the path, or the errno of an unusable file; ENOENT if nothing was found.
    package static func find(_ name: CommandWord, path: String?) -> Result<CommandWord, ExecError> {
        guard !name.bytes.contains(UInt8(ascii: "/")) else { return executable(name) }
        guard !name.bytes.isEmpty else { return .failure(ExecError(code: ENOENT)) }
        var refusal = ExecError(code: ENOENT)
        // The default of execvp(3) without PATH: confstr(_CS_PATH).
        for folder in (path ?? "/bin:/usr/bin").split(separator: ":", omittingEmptySubsequences: false) {
            let place = CommandWord(
                bytes: Array((folder.isEmpty ? "." : folder).utf8) + [UInt8(ascii: "/")] + name.bytes)
            switch executable(place) {
            case .success: return .success(place)
            case .failure(let why) where why.code == EACCES: refusal = why
            case .failure: continue
            }
        }
        return .failure(refusal)
    }

    /// Finds a companion program: next to the given one, which has the same version, else on PATH. nil: there is none.
    package static func find(_ name: String, beside program: String, path: String?) -> CommandWord? {
        let folder = program[..<(program.lastIndex(of: "/") ?? program.startIndex)]
        for word in ["\(folder)/\(name)", name] {
            if case .success(let found) = find(CommandWord(word), path: path) { return found }
        }
        return nil
    }

    private static func executable(_ path: CommandWord) -> Result<CommandWord, ExecError> {
        let name = path.bytes.map { CChar(bitPattern: $0) } + [0]
        var status = stat()
        guard stat(name, &status) == 0 else { return .failure(ExecError(code: errno)) }
        guard status.st_mode & S_IFMT != S_IFDIR, access(name, X_OK) == 0 else {
            return .failure(ExecError(code: EACCES))
        }
        return .success(path)
    }
}
