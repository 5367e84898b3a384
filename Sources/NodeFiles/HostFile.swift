/// A short file of /proc or /sys.
package enum HostFile {
    package static func text(_ path: String) -> String? {
        (try? readPrefix(path, limit: 1 << 16)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}
