import ClusterModel
import Glibc
import NodeFiles
import Orchestrator
import Planner
import RESP
import RedisClient

/// Effects of `fix` on files and slots.
extension HostDriver {
    /// How long the engine's tool may read: a second for some hundred megabytes.
    static let checkLimit = Duration.seconds(1800)

    func examine(_ process: ProcessIdentity, _ path: String) async -> Outcome {
        await outcome(longRead("checking", path), limit: nil) { [engine] in
            guard let check = engine.checkAppendOnlyFile(path, fix: false, limit: Self.checkLimit) else {
                return .failed("the engine's tool says nothing of \(path)")
            }
            return .examined(.init(of: process, path: path, bytes: check.bytes, goodBytes: check.goodBytes))
        }
    }

    /// Invariant: confirmed-repair. The tool cuts a copy, which then takes the name: what is kept in quarantine may be a
    /// link to the file, and whoever is interrupted leaves either the old one or the new one.
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
                    return .failed("it is not what it was when you were asked, or the engine's tool does not cut it")
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

    /// The old manifest, where there is one, stays whole in the copy that was kept before: a rename replaces it.
    func write(_ order: Repair.WriteManifest) async -> Outcome {
        await change(.init(order.directory, "writing to", order.directory)) { [owner] () throws(FileError) in
            try writeDurably(Array(order.text.utf8), to: order.path, mode: 0o600, owner: owner)
        }
    }

    /// Slots that this node takes for another's are let go of first: it refuses to add what it knows an owner of.
    func addSlots(_ node: NodeName, _ contact: Effect.Contact, _ slots: SlotSet, foreign: SlotSet) async -> Outcome {
        func words(_ set: SlotSet) -> [String] { set.ranges.flatMap { $0 }.map(String.init) }
        if !foreign.isEmpty {
            let outcome = await command(node, contact, ["CLUSTER", "DELSLOTS"] + words(foreign))
            if case .failed = outcome { return outcome }
        }
        return await command(node, contact, ["CLUSTER", "ADDSLOTS"] + words(slots))
    }

    /// Two commands, one after the other: Valkey 9.1 with a replica dies by an assertion of a SETSLOT in a script
    /// (docs/engines.md). Its owner has stopped sending clients there before.
    func closeSlot(_ node: NodeName, _ contact: Effect.Contact, _ slot: Int, ifEmpty: Bool) async -> Outcome {
        do {
            let connection = try await connection(node, contact)
            if ifEmpty {
                let info = try await connection.send(RESPCommand("INFO", "keyspace"), timeout: Self.commandLimit)
                guard let text = info.text else { return .failed(info.errorText ?? "it does not say what it holds") }
                let others = InfoReply(text).keysOfDatabases.keys.filter { $0 != 0 }.sorted()
                let answers = try await connection.pipeline(
                    NodeQuestion.counts(of: [slot], otherDatabases: others), timeout: Self.commandLimit)
                guard NodeQuestion.keys(of: [slot], in: answers)?[slot] == 0 else {
                    let words = answers.lazy.compactMap(\.errorText).first
                    return .failed(words ?? "it has keys of slot \(slot) by now")
                }
            }
            let answer = try await connection.send(
                RESPCommand("CLUSTER", "SETSLOT", String(slot), "STABLE"), timeout: Self.slotLimit)
            return answer.errorText.map { .failed($0) } ?? .done
        } catch {
            return .failed("\(error)")
        }
    }

    /// Valkey waits for its replicas with this, two seconds unless told otherwise.
    static let slotLimit = Duration.seconds(5)
}

extension EngineProgram {
    /// `redis-check-aof` of one file: beside the server, or the server itself under that name, which is the same program
    /// (`main`, src/server.c). One file and not the manifest: the tool of Valkey 9 takes its own kind of dump for damage.
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
