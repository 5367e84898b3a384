import CProcess
import Glibc

/// One word of a command line, or one variable of an environment: any bytes but NUL, where a `String` would have to be text.
package struct CommandWord: Hashable, Sendable {
    package var bytes: [UInt8]

    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(bytes: [UInt8]) { self.bytes = bytes }

    private init(_ text: UnsafePointer<CChar>) {
        bytes = UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 }
    }

    /// For people.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The words of this process's own command line.
    package static var arguments: [CommandWord] {
        (0..<Int(CommandLine.argc)).compactMap { CommandLine.unsafeArgv[$0].map { CommandWord($0) } }
    }

    /// This process's own environment.
    package static var environment: [CommandWord] {
        var words: [CommandWord] = []
        guard var entry = cl_environment() else { return [] }
        while let text = entry.pointee {
            words.append(CommandWord(text))
            entry += 1
        }
        return words
    }

    /// An environment with these variables in place of its own of the same names, and without some.
    package static func environment(
        _ variables: [CommandWord], without others: [String] = [], setting values: [(name: String, value: String)]
    ) -> [CommandWord] {
        let names = (values.map(\.name) + others).map { Array("\($0)=".utf8) }
        return variables.filter { variable in !names.contains { variable.bytes.starts(with: $0) } }
            + values.map { CommandWord("\($0.name)=\($0.value)") }
    }

    /// As execve(2) takes them; each is to be freed.
    static func vector(_ words: [CommandWord]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { word in strdup(word.bytes.map { CChar(bitPattern: $0) } + [0]) } + [nil]
    }
}

/// Where a command is, as execvp(3) looks for it.
package enum CommandSearch {
    /// - Parameter path: directories with `:` between them; an empty one is the working directory.
    /// - Returns: its path, or the errno of what was found in its place: ENOENT where nothing was.
    package static func find(_ name: CommandWord, path: String?) -> Result<CommandWord, ExecError> {
        guard !name.bytes.contains(UInt8(ascii: "/")) else { return executable(name) }
        guard !name.bytes.isEmpty else { return .failure(ExecError(code: ENOENT)) }
        var refusal = ExecError(code: ENOENT)
        // The default of execvp(3): where PATH is not set, confstr(_CS_PATH).
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

    /// A program that comes with another: the one beside it is of its version; otherwise what PATH has. nil: there is none.
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
