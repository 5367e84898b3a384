import ClusterModel
import ControlAPI
import Glibc

/// How a command prints the error that ends it.
extension Failure {
    func json(_ wanted: Bool) -> Failure {
        var failure = self
        failure.asJSON = wanted
        return failure
    }

    func print() {
        if asJSON {
            // An error is not a result: stdout stays empty for a program that reads a document from it.
            let document = ErrorDocument(self)
            return Output.note(String(decoding: (try? ControlJSON.encode(document)) ?? [], as: UTF8.self))
        }
        Output.note("error: \(message)")
        if let hint { Output.note("       \(hint)") }
    }
}

/// Writes results to stdout and everything else to stderr. Each line is one write, so that lines of several processes do not mix.
enum Output {
    static func note(_ text: String) { write(STDERR_FILENO, Array("\(text)\n".utf8)) }
    /// Prints a question and leaves the cursor after it.
    static func ask(_ text: String) { write(STDERR_FILENO, Array(text.utf8)) }
    static func result(_ text: String) { result(Array("\(text)\n".utf8)) }
    static func result(_ bytes: [UInt8]) {
        if !write(STDOUT_FILENO, bytes + (bytes.last == 10 ? [] : [10])), errno == EPIPE { endWithReader() }
    }

    /// Returns false if the write fails, usually because the reader has exited.
    @discardableResult static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Ends the process with SIGPIPE, as other commands end when the reader of stdout exits (`clusterd logs | head`).
    static func endWithReader() {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        // Reached only if the parent process blocked the signal.
        _exit(128 + SIGPIPE)
    }

    /// Whether colour may be used on stdout (https://no-color.org).
    static var hasColor: Bool { isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR").map { $0.pointee == 0 } ?? true }
}
