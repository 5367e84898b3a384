import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import NodeFiles
import StatusView

struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "List or delete files that clusterd set aside.",
        discussion: """
            Files that are in the way of clusterd are never deleted: clusterd moves them to quarantine/ in the data folder, with a \
            note that says why, and how to put them back. Only the operator deletes them. Both commands also work without a \
            running clusterd.

            clusterd quarantine list
            clusterd quarantine remove --older-than 30d
            """,
        subcommands: [QuarantineListCommand.self, QuarantineRemoveCommand.self])
}

struct QuarantineListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the folders in quarantine, each with its time, node, size, reason and keys.",
        discussion: """
            clusterd quarantine list
            clusterd quarantine list --json
            """)

    @Flag(help: "Print one JSON document.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func run() throws {
        do {
            try list()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func list() throws {
        let document = try HeldBack(daemon).document
        if json { return Output.result((try? ControlJSON.encode(document)) ?? []) }
        Output.result(QuarantineText(document).text)
    }
}

struct QuarantineRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Delete folders in quarantine, with every key in them.",
        discussion: """
            Shows the folders and asks for confirmation; without a terminal, --yes is required. Does not follow links.

            clusterd quarantine remove 20260101T000000Z-7005
            clusterd quarantine remove --older-than 30d --yes
            """)

    @Argument(help: ArgumentHelp("Folders, as clusterd quarantine list shows them.", valueName: "id")) var ids:
        [String] = []
    @Option(
        help: ArgumentHelp(
            "Delete the folders to which nothing was moved for this long: 30d, 12h.", valueName: "duration"))
    var olderThan: TimeoutArgument?
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Flag(help: "Print one JSON document: what was deleted.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func validate() throws {
        guard ids.isEmpty == (olderThan != nil) else {
            throw ValidationError("Name either the folders to delete or their age: --older-than 30d.")
        }
    }

    func run() throws {
        do {
            try remove()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func remove() throws {
        let held = try HeldBack(daemon)
        let document = held.document
        let chosen = try choose(document)
        if chosen.isEmpty {
            Output.note("no folder in \(document.dir) is that old")
        } else {
            Output.note("quarantine \(document.dir)")
            Output.note(QuarantineText(QuarantineDocument(dir: document.dir, folders: chosen)).text)
            try Consent.ask(
                yes, "Delete \(chosen.count == 1 ? "it" : "these \(chosen.count) folders"), with every key?",
                refusal:
                    "remove deletes \(chosen.count == 1 ? "a folder" : "\(chosen.count) folders") permanently and needs confirmation; "
                    + "nothing was changed",
                hint: ["clusterd quarantine remove"] + arguments.map(ShellWord.quoted) + ["--yes"])
        }
        var removed: [QuarantineFolderDocument] = []
        for folder in chosen {
            removed.append(try held.remove(folder.id))
            if !json { Output.result("deleted   \(folder.id)") }
        }
        guard json else { return }
        Output.result((try? ControlJSON.encode(QuarantineDocument(dir: document.dir, folders: removed))) ?? [])
    }

    private var arguments: [String] { olderThan.map { ["--older-than", DurationText.text($0.duration)] } ?? ids }

    private func choose(_ document: QuarantineDocument) throws(Failure) -> [QuarantineFolderDocument] {
        if let age = olderThan?.duration {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            let oldest = Int64(time.tv_sec) * 1000 - age.inMilliseconds
            return document.folders.filter { $0.at.time.milliseconds < oldest }
        }
        var chosen: [QuarantineFolderDocument] = []
        for id in ids {
            guard let folder = document.folders.first(where: { $0.id == id }) else {
                throw Failure(
                    "unknown-quarantine", "there is no '\(id)' in \(document.dir); nothing was changed",
                    hint: "clusterd quarantine list")
            }
            if !chosen.contains(folder) { chosen.append(folder) }
        }
        return chosen
    }
}

/// The quarantine of a cluster: from its daemon, or from disk if no daemon answers.
private struct HeldBack {
    private enum Way {
        case daemon(ControlClient)
        case files(Quarantine)
    }

    private let way: Way
    let document: QuarantineDocument

    init(_ daemon: DaemonChoice) throws(Failure) {
        do throws(Failure) {
            let client = try daemon.client()
            document = try client.get(.quarantine, QuarantineDocument.self, timeout: .seconds(60))
            way = .daemon(client)
        } catch {
            guard error.exit == ControlAPI.ExitCode.noDaemon, daemon.cluster == nil,
                let folder = daemon.dataFolders.map({ Paths.absolute($0) }).first(where: { access($0, F_OK) == 0 })
            else { throw error }
            guard access(folder, R_OK | X_OK) == 0 else {
                throw Failure(
                    "no-permission", "no clusterd answers, and only its owner may read \(folder)")
            }
            let quarantine = Quarantine(root: folder + "/quarantine")
            document = QuarantineDocument(quarantine)
            way = .files(quarantine)
        }
    }

    func remove(_ id: String) throws(Failure) -> QuarantineFolderDocument {
        switch way {
        case .daemon(let client):
            try client.get(.removeQuarantine(id: id), QuarantineFolderDocument.self, timeout: .seconds(600))
        case .files(let quarantine): try QuarantineRemoval.remove(id, from: quarantine)
        }
    }
}

/// The text form of the quarantine.
struct QuarantineText {
    let document: QuarantineDocument

    init(_ document: QuarantineDocument) { self.document = document }

    var text: String {
        guard !document.folders.isEmpty else { return "\(document.dir) is empty" }
        let width = document.folders.map(\.id.count).max() ?? 0
        var lines: [String] = []
        for folder in document.folders {
            let name = folder.id + String(repeating: " ", count: width - folder.id.count)
            let size = Short.bytes(folder.bytes)
            lines.append(
                "\(name)  \(String(repeating: " ", count: max(0, 5 - size.count)))\(size)"
                    + (folder.keys.map { "  \($0.inWords)" } ?? ""))
            if let why = folder.why { lines.append("    \(why)") }
        }
        let count = document.folders.count
        lines.append("\(count) \(count == 1 ? "folder" : "folders"), \(Short.bytes(document.bytes)) bytes")
        return lines.joined(separator: "\n")
    }
}
