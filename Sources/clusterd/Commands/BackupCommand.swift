import ArgumentParser
import ClusterModel
import ControlAPI
import StatusView

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Back up the data of all shards, or verify a backup.",
        discussion: """
            Without a subcommand, makes a backup: clusterd backup /srv/backup is short for clusterd backup create /srv/backup.
            """,
        subcommands: [BackupCreateCommand.self, BackupVerifyCommand.self],
        defaultSubcommand: BackupCreateCommand.self)
}

struct BackupCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Save the data of every master in a new folder below DIR.",
        discussion: """
            All masters save at nearly the same moment, while they serve. The daemon then copies the dumps, with at most 100 MB/s, \
            and writes a manifest with the slots, the size and the checksum of each. A folder without the suffix .partial is \
            complete. DIR is on the host of the daemon, which must be able to write there. Waits for 1h by default.

            clusterd backup /srv/backup
            clusterd backup /srv/backup --keep 7
            """)

    @Argument(
        help: ArgumentHelp("The folder of all backups; it is created if only it is missing.", valueName: "dir"),
        completion: .directory)
    var directory: String
    @Option(
        help: ArgumentHelp(
            "Afterwards, delete the oldest complete backups of this cluster there, so that this many remain.",
            valueName: "count"))
    var keep: Int?
    @OptionGroup var options: ChangeOptions

    func validate() throws {
        if let keep, keep < 1 { throw ValidationError("--keep takes the number of backups that remain: 1 or more.") }
    }

    func run() throws {
        let path = Paths.real(Paths.absolute(directory))
        try options.carryOut(.backup(path, keep: keep), within: .seconds(3600))
    }
}

struct BackupVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a backup is whole.",
        discussion: """
            Reads every file: checks its size and its checksum against the manifest, and that every slot is in exactly one file. \
            Exits with 1 if the backup is not whole. Needs no daemon. The checksum finds damage; it does not protect against \
            an attacker.

            clusterd backup verify /srv/backup
            clusterd backup verify /srv/backup --cluster demo --json
            """)

    @Argument(
        help: ArgumentHelp("A backup, or the folder of several: then the newest is checked.", valueName: "dir"),
        completion: .directory)
    var directory: String
    @Option(
        help: ArgumentHelp(
            "Check the newest backup of this cluster, in a folder that holds those of several.", valueName: "name"))
    var cluster: String?
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        do {
            let check = try BackupVerification.check(Paths.absolute(directory), cluster: cluster)
            if json {
                Output.result((try? ControlJSON.encode(check)) ?? [])
            } else {
                Output.result(BackupCheckText(check).text)
            }
            if !check.whole { throw CommandEnd(code: ControlAPI.ExitCode.failed) }
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }
}

/// The text form of `backup verify`: one line for each problem, and a summary.
struct BackupCheckText {
    let check: BackupCheckDocument

    init(_ check: BackupCheckDocument) { self.check = check }

    var text: String {
        var lines = check.problems.map { problem in (problem.file.map { "\($0): " } ?? "") + problem.why }
        let files = "\(check.files) \(check.files == 1 ? "file" : "files")"
        let amount = "\(files), \(Disk.text(check.bytes)), \(check.keys) \(check.keys == 1 ? "key" : "keys")"
        let origin = check.cluster.map { "cluster \($0), " } ?? ""
        lines.append(
            check.whole
                ? "\(check.dir) is whole: \(origin)\(amount)" : "\(check.dir) is not whole: \(origin)\(amount)")
        return lines.joined(separator: "\n")
    }
}
