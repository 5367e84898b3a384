import ArgumentParser
import ControlAPI
import ControlClient
import Glibc
import ProcessSupervision

struct CallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Send one Redis command to many nodes.",
        discussion: """
            To all of them at the same time, or to those that are named; clusterd knows the passwords. Each line of an answer \
            stands behind its node's name. Exit 1 if any node answered an error, or nothing.

            clusterd call PING
            clusterd call --masters DBSIZE
            clusterd call --node 7002 CONFIG GET maxmemory
            clusterd call --json --replicas INFO replication
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Only the masters.") var masters = false
    @Flag(help: "Only the replicas.") var replicas = false
    @Option(help: ArgumentHelp("Only this node; may repeat.", valueName: "node"), completion: Completion.node)
    var node: [String] = []
    @Flag(help: "Print one JSON document.") var json = false
    @Option(help: ArgumentHelp("How long each node has for its answer.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 5)
    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command and its arguments, as redis-cli takes them.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        // What stands behind the command is the command's own, and the first word is captured with it.
        if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(Self.self) }
        if let first = command.first, first.hasPrefix("-"), first != "--" {
            throw ValidationError("there is no option '\(first)'; options stand before the command")
        }
        guard !words.isEmpty else { throw ValidationError("say which command: clusterd call PING") }
        guard [masters, replicas, !node.isEmpty].count(where: { $0 }) <= 1 else {
            throw ValidationError("--masters, --replicas and --node exclude each other")
        }
    }

    func run() throws {
        do {
            try call()
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    /// The command's words as bytes: they stand last on our own command line.
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
            if document.answers.isEmpty { Output.note("there is no such node") }
        }
        if document.hasErrors { throw CommandEnd(code: ControlAPI.ExitCode.failed) }
    }
}

struct ShellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shell",
        abstract: "Open an interactive redis-cli on a node.",
        discussion: """
            With the right port, following the cluster (-c), and let in: the password stands in no argument list. Without a \
            node: on the first master that runs. What stands behind two dashes goes to redis-cli.

            clusterd shell
            clusterd shell 7002
            clusterd shell 7002 -- --bigkeys
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: .node,
        completion: Completion.node)
    var node: String?
    @Argument(parsing: .postTerminator, help: ArgumentHelp("What redis-cli is given.", valueName: "argument"))
    var arguments: [String] = []

    func run() throws {
        let client = try daemon.client()
        let login = try client.get(.login(try node ?? firstMaster(client)), LoginDocument.self)
        let program = try clientProgram(beside: login.server)
        var words = [program.text, "-h", login.host, "-p", String(login.port), "-c"].map { CommandWord($0) }
        if let user = login.user { words += ["--user", user].map { CommandWord($0) } }
        if let tls = login.tls { words += try options(tls).map { CommandWord($0) } }
        words += CommandWord.arguments.suffix(arguments.count)
        // A password that was meant for somebody else would be refused.
        let secrets = ["REDISCLI_AUTH", "VALKEYCLI_AUTH"]
        let values = login.password.map { password in secrets.map { ($0, password) } } ?? []
        let environment = CommandWord.environment(CommandWord.environment, without: secrets, setting: values)
        Clusterd.inheritance.restoreSignals()
        let error = become(program, words, environment)
        throw Failure("no-client", "\(program.text): \(error)", exit: ControlAPI.ExitCode.failed)
    }

    /// Paths of files, which redis-cli opens itself: as the person who called.
    private func options(_ tls: LoginDocument.TLSFiles) throws -> [String] {
        for path in [tls.certificate, tls.key] where access(path, R_OK) != 0 {
            throw Failure(
                "no-certificate",
                "the nodes speak TLS, and you may not read \(path): \(String(cString: strerror(errno)))",
                hint:
                    "as the user clusterd runs as, or with a certificate of your own: redis-cli --tls --cert FILE --key FILE "
                    + (tls.authorityFile.map { "--cacert \($0)" } ?? "--cacertdir \(tls.authorityFolder ?? "FOLDER")"),
                exit: ControlAPI.ExitCode.noPermission)
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
                "not-formed", "there is no node yet", hint: "clusterd wait ready", exit: ControlAPI.ExitCode.failed)
        }
        return node.name.text
    }

    /// The engine's own client: the one beside the server is of its version.
    private func clientProgram(beside server: String) throws -> CommandWord {
        let isValkey = server.split(separator: "/").last?.hasPrefix("valkey") ?? false
        let names = isValkey ? ["valkey-cli", "redis-cli"] : ["redis-cli", "valkey-cli"]
        let path = getenv("PATH").map { String(cString: $0) }
        for name in names {
            if let found = CommandSearch.find(name, beside: server, path: path) { return found }
        }
        throw Failure(
            "no-client", "there is no \(names[0]) on PATH, nor beside \(server)",
            hint: "sudo apt-get install \(isValkey ? "valkey-tools" : "redis-tools")",
            exit: ControlAPI.ExitCode.failed)
    }
}
