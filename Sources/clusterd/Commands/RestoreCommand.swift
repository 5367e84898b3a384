import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Copy the keys of a backup into the running cluster.",
        discussion: """
            Verifies the backup, then loads each dump into a temporary engine of the cluster's version and copies its keys, with \
            their times to live, and the functions. The cluster may have any number of masters, and must be empty. Needs the \
            files of the backup on this host, and memory for the largest of them.

            clusterd restore /srv/backup --replace
            clusterd restore /srv/backup --of demo --replace --json
            """)

    @Argument(
        help: ArgumentHelp("A backup, or the folder of several: then the newest is restored.", valueName: "dir"),
        completion: .directory)
    var directory: String
    @Option(
        help: ArgumentHelp("In a folder of several clusters: restore the newest backup of this one.", valueName: "name")
    )
    var of: String?
    @Flag(help: "Allow keys in the cluster: those of the same names are overwritten, and the others stay.")
    var replace = false
    @Flag(help: "Print the result as one JSON document at the end.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func run() async throws {
        do {
            try await restore()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func restore() async throws {
        let began = ContinuousClock.now
        let client = try daemon.client()
        let name = try client.get(.status, StatusDocument.self).cluster.name
        Output.note("cluster   \(name)")
        let check = try BackupVerification.check(Paths.absolute(directory), cluster: of)
        if let problem = check.problems.first {
            throw Failure(
                "no-backup",
                "\(check.dir) is not whole: \(problem.file.map { "\($0): " } ?? "")\(problem.why); nothing was copied",
                hint: "clusterd backup verify \(ShellWord.quoted(check.dir))")
        }
        let manifest = try BackupVerification.read("\(check.dir)/\(BackupManifest.fileName)")
        Output.note("verify    \(BackupCheckText(check).text)")
        let target = TargetCluster(client)
        if let refusal = TargetRefusal.of(try await target.inspect(), needed: check.bytes, replacing: replace) {
            throw refusal.failure
        }
        CopyStop().watch(ending: false)
        var restore = BackupRestore(check.dir, manifest, target)
        try await restore.run()
        let expired = try await replace ? restore.count.gone : restore.check()
        let count = restore.count
        let took = ContinuousClock.now - began
        Output.note(
            "restored  \(count.copied) \(count.copied == 1 ? "key" : "keys") in \(took.inWords)"
                + (expired + restore.expiredAtLoad > 0
                    ? "; \(expired + restore.expiredAtLoad) more had expired" : ""))
        guard json else { return }
        let document = CopyDocument(
            cluster: name, source: check.dir, keys: count.copied, expired: expired + restore.expiredAtLoad,
            bytes: count.bytes, milliseconds: took.inMilliseconds, complete: replace ? nil : true)
        Output.result((try? ControlJSON.encode(document)) ?? [])
    }
}
