import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import ProcessSupervision

struct CallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Send one Redis command to all nodes, or to selected ones.",
        discussion: """
            Sends the command to all nodes at the same time, or to the selected ones; clusterd supplies the passwords. Each line \
            of a reply begins with the name of its node. Exits with 1 if any node replies with an error or does not reply.

            clusterd call PING
            clusterd call --masters DBSIZE
            clusterd call --node 7002 CONFIG GET maxmemory
            clusterd call --json --replicas INFO replication
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Send it to the masters only.") var masters = false
    @Flag(help: "Send it to the replicas only.") var replicas = false
    @Option(
        help: ArgumentHelp("Send it to this node only; may repeat.", valueName: "node"), completion: Completion.node)
    var node: [String] = []
    @Flag(help: "Print one JSON document.") var json = false
    @Option(help: ArgumentHelp("How long to wait for each node's reply.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 5)
    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command and its arguments, as for redis-cli.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        // Options after the first word belong to the Redis command. An unknown option in the first place is captured too.
        if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(Self.self) }
        if let first = command.first, first.hasPrefix("-"), first != "--" {
            throw ValidationError("unknown option '\(first)'; options go before the command")
        }
        guard !words.isEmpty else { throw ValidationError("missing command, for example: clusterd call PING") }
        guard [masters, replicas, !node.isEmpty].count(where: { $0 }) <= 1 else {
            throw ValidationError("--masters, --replicas and --node are mutually exclusive")
        }
    }

    func run() throws {
        do {
            try call()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    /// The command's words as bytes: the last words of clusterd's own command line.
    private var words: [[UInt8]] {
        let captured = command.first == "--" ? command.count - 1 : command.count
        return CommandWord.arguments.suffix(captured).map(\.bytes)
    }

    private func call() throws {
        let target: CallRequest.Target =
            masters ? .masters : replicas ? .replicas : node.isEmpty ? .all : .nodes(node)
        let request = CallRequest(words, on: target, timeout: timeout.duration)
        let document = try daemon.client().get(
            .call(request), CallDocument.self, timeout: timeout.duration + .seconds(10))
        if json {
            Output.result((try? ControlJSON.encode(document)) ?? [])
        } else {
            let width = document.answers.map(\.node.text.utf8.count).max() ?? 0
            for answer in document.answers {
                let name = answer.node.text + String(repeating: " ", count: width - answer.node.text.utf8.count)
                for line in ReplyText.lines(answer) { Output.result("\(name)  \(line)") }
            }
            if document.answers.isEmpty { Output.note("no node matches") }
        }
        if document.hasErrors { throw CommandEnd(code: ControlAPI.ExitCode.failed) }
    }
}

struct ShellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "Open an interactive redis-cli on a node.",
        discussion: """
            Connects redis-cli to the node's port in cluster mode (-c) and authenticates it; the password is not visible in any \
            argument list. Without NODE, opens it on the first running master. Passes arguments after -- to redis-cli.

            clusterd shell
            clusterd shell 7002
            clusterd shell 7002 -- --bigkeys
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: .node,
        completion: Completion.node)
    var node: String?
    @Argument(parsing: .postTerminator, help: ArgumentHelp("Arguments for redis-cli.", valueName: "argument"))
    var arguments: [String] = []

    func run() throws {
        let client = try daemon.client()
        let login = try client.get(.login(try node ?? firstMaster(client)), LoginDocument.self)
        let program = try clientProgram(beside: login.server)
        var words = [program.text, "-h", login.host, "-p", String(login.port), "-c"].map { CommandWord($0) }
        if let user = login.user { words += ["--user", user].map { CommandWord($0) } }
        if let tls = login.tls { words += try options(tls).map { CommandWord($0) } }
        words += CommandWord.arguments.suffix(arguments.count)
        // The node would reject a password for another server.
        let secrets = ["REDISCLI_AUTH", "VALKEYCLI_AUTH"]
        let values = login.password.map { password in secrets.map { ($0, password) } } ?? []
        let environment = CommandWord.environment(CommandWord.environment, without: secrets, setting: values)
        Clusterd.inheritance.restoreSignals()
        let error = become(program, words, environment)
        throw Failure("no-client", "\(program.text): \(error)")
    }

    /// The TLS options of redis-cli. It opens these files itself, with the permissions of the calling user.
    private func options(_ tls: LoginDocument.TLSFiles) throws -> [String] {
        for path in [tls.certificate, tls.key] where access(path, R_OK) != 0 {
            throw Failure(
                "no-certificate",
                "the nodes use TLS, and you may not read \(path): \(String(cString: strerror(errno)))",
                hint:
                    "run it as the user of clusterd, or use your own certificate: redis-cli --tls --cert FILE --key FILE "
                    + (tls.authorityFile.map { "--cacert \($0)" } ?? "--cacertdir \(tls.authorityFolder ?? "FOLDER")"))
        }
        return ["--tls", "--cert", tls.certificate, "--key", tls.key]
            + (tls.authorityFile.map { ["--cacert", $0] } ?? [])
            + (tls.authorityFolder.map { ["--cacertdir", $0] } ?? [])
    }

    private func firstMaster(_ client: ControlClient) throws -> String {
        let nodes = try client.get(.status, StatusDocument.self).nodes
        let running = nodes.filter { $0.process == .running }
        guard let node = running.first(where: { $0.role == .master }) ?? running.first ?? nodes.first else {
            throw Failure(
                "not-formed", "the cluster has no nodes yet", hint: "clusterd wait ready")
        }
        return node.name.text
    }

    /// The engine's own client. The one next to the server program has the same version.
    private func clientProgram(beside server: String) throws -> CommandWord {
        let isValkey = server.split(separator: "/").last?.hasPrefix("valkey") ?? false
        let names = isValkey ? ["valkey-cli", "redis-cli"] : ["redis-cli", "valkey-cli"]
        let path = getenv("PATH").map { String(cString: $0) }
        for name in names {
            if let found = CommandSearch.find(name, beside: server, path: path) { return found }
        }
        throw Failure(
            "no-client", "\(names[0]) is neither on PATH nor next to \(server)",
            hint: "sudo apt-get install \(isValkey ? "valkey-tools" : "redis-tools")")
    }
}
