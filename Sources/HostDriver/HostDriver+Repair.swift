import ClusterModel
import Glibc
import NodeFiles
import Planner
import RESP
import RedisClient

/// Effects of `fix` on files and slots.
extension HostDriver {
    /// The time limit of the engine's check tool, which reads some hundred megabytes a second.
    static let checkLimit = Duration.seconds(1800)

    func examine(_ process: ProcessIdentity, _ path: String) async -> Outcome {
        await outcome(longRead("checking", path), limit: nil) { [engine] in
            guard let check = engine.checkAppendOnlyFile(path, fix: false, limit: Self.checkLimit) else {
                return .failed("the engine's check tool reports nothing about \(path)")
            }
            return .examined(.init(of: process, path: path, bytes: check.bytes, goodBytes: check.goodBytes))
        }
    }

    /// Invariant: confirmed-repair. The tool truncates a copy, which then replaces the file: the file in quarantine may be a hard
    /// link to the original, and an interruption leaves either the old or the new file.
    func repair(_ repair: Repair.RepairAppendOnly) async -> Outcome {
        await outcome(longRead("repairing", repair.path), limit: nil) { [engine] in
            let copy = "\(repair.path).repaired"
            do throws(FileError) {
                unlink(copy)
                try copyDurably(repair.path, to: copy)
                let check = engine.checkAppendOnlyFile(copy, fix: true, limit: Self.checkLimit)
                guard check?.bytes == repair.bytes, check?.goodBytes == repair.goodBytes,
                    try fileSize(copy) == repair.goodBytes
                else {
                    unlink(copy)
                    return .failed(
                        "the file has changed since the confirmation, or the engine's check tool cannot truncate it")
                }
                try replaceDurably(repair.path, by: copy)
                return .done
            } catch {
                unlink(copy)
                return .failed(error.description)
            }
        }
    }

    private func longRead(_ doing: String, _ path: String) -> FileWork.Order {
        .init("\(doing) \(path)", doing, path, patience: Self.checkLimit)
    }

    /// An old manifest stays complete in the kept copy, because a rename replaces it.
    func write(_ order: Repair.WriteManifest) async -> Outcome {
        await change(.init(order.directory, "writing to", order.directory)) { [owner] () throws(FileError) in
            try writeDurably(Array(order.text.utf8), to: order.path, mode: 0o600, owner: owner)
        }
    }

    /// First deletes the slots that this node assigns to another one: it refuses to add a slot with a known owner.
    func addSlots(_ node: NodeName, _ contact: Effect.Contact, _ slots: SlotSet, foreign: SlotSet) async -> Outcome {
        func words(_ set: SlotSet) -> [String] { set.ranges.flatMap { $0 }.map(String.init) }
        if !foreign.isEmpty {
            let outcome = await command(node, contact, ["CLUSTER", "DELSLOTS"] + words(foreign))
            if case .failed = outcome { return outcome }
        }
        return await command(node, contact, ["CLUSTER", "ADDSLOTS"] + words(slots))
    }

    /// Uses two separate commands, because Valkey 9.1 with a replica crashes on a SETSLOT in a script (docs/engines.md). The slot's
    /// owner has stopped redirecting clients there before.
    func closeSlot(_ node: NodeName, _ contact: Effect.Contact, _ slot: Int, ifEmpty: Bool) async -> Outcome {
        do {
            let connection = try await connection(node, contact)
            if ifEmpty {
                let info = try await connection.send(RESPCommand("INFO", "keyspace"), timeout: Self.commandLimit)
                guard let text = info.text else { return .failed(info.errorText ?? "it does not report its keys") }
                let others = InfoReply(text).keysOfDatabases.keys.filter { $0 != 0 }.sorted()
                let answers = try await connection.pipeline(
                    NodeQuestion.counts(of: [slot], otherDatabases: others), timeout: Self.commandLimit)
                guard NodeQuestion.keys(of: [slot], in: answers)?[slot] == 0 else {
                    let words = answers.lazy.compactMap(\.errorText).first
                    return .failed(words ?? "it now has keys in slot \(slot)")
                }
            }
            let answer = try await connection.send(
                RESPCommand("CLUSTER", "SETSLOT", String(slot), "STABLE"), timeout: Self.slotLimit)
            return answer.errorText.map { .failed($0) } ?? .done
        } catch {
            return .failed("\(error)")
        }
    }

    /// Valkey waits for its replicas during this command, by default for two seconds.
    static let slotLimit = Duration.seconds(5)
}

extension EngineProgram {
    /// `redis-check-aof` for one file: next to the server, or the server itself under that name, which is the same program (`main`,
    /// src/server.c). For one file and not the manifest, because the tool of Valkey 9 reports its own dump format as damaged.
    func checkAppendOnlyFile(_ file: String, fix: Bool, limit: Duration) -> AppendOnlyCheck? {
        var template = Array("/tmp/clusterd-aof-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let link = "\(folder)/\(engine.name.rawValue)-check-aof"
        defer {
            unlink(link)
            rmdir(folder)
        }
        guard symlink(checker ?? path, link) == 0 else { return nil }
        let answer = fix ? "y" : "n"
        let arguments = ["-c", "echo \(answer) | \"$0\" \(fix ? "--fix " : "")\"$1\"", link, file]
        return Self.run("/bin/sh", arguments, in: folder, limit: limit).output.flatMap { AppendOnlyCheck($0) }
    }

    private var checker: String? {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let beside = "\(folder)/\(engine.name.rawValue)-check-aof"
        return access(beside, X_OK) == 0 ? beside : nil
    }
}
