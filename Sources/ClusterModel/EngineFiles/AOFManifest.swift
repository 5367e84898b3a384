/// The manifest of a Redis 7 append-only file: the files that it consists of (`aofLoadManifestFromFile`, src/aof.c).
package struct AOFManifest: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case base = "b"
        case increment = "i"
        /// Superseded; the engine will delete it.
        case history = "h"
    }

    package struct Entry: Hashable, Sendable {
        package var name: String
        package var sequence: Int
        package var kind: Kind
    }

    package var entries: [Entry] = []

    /// nil for anything that the engine rejects: a line that is not `file NAME seq N type b|i|h`, a last line that is cut, a second base,
    /// and increments that are not in numerical order.
    package init?(_ bytes: [UInt8]) {
        guard bytes.last == 10 else { return nil }
        for line in bytes.split(separator: 10) where line.first != UInt8(ascii: "#") {
            guard let words = RedisConfFile.split(line), words.count >= 6, words.count.isMultiple(of: 2) else {
                return nil
            }
            var values: [String: String] = [:]
            for index in stride(from: 0, to: words.count, by: 2) { values[words[index]] = words[index + 1] }
            guard let name = values["file"], !name.isEmpty, !name.contains("/"),
                let sequence = values["seq"].flatMap({ Int($0) }),
                let kind = values["type"].flatMap(Kind.init)
            else { return nil }
            entries.append(Entry(name: name, sequence: sequence, kind: kind))
        }
        guard !entries.isEmpty, entries.count(where: { $0.kind == .base }) <= 1 else { return nil }
        let numbers = entries.filter { $0.kind == .increment }.map(\.sequence)
        guard zip([0] + numbers, numbers).allSatisfy({ $0 < $1 }) else { return nil }
    }
}
