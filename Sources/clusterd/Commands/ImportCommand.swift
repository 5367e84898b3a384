import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient
import Glibc
import NIOPosix
import ProcessSupervision
import RESP
import RedisClient
import Synchronization

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Copy the keys of a standalone Redis into the running cluster while it serves.",
        discussion: """
            A temporary replica on this host reads the source, and reports keys that change while others are copied. Without an \
            option, ends when all keys and nearly all changes are copied. --follow copies changes until Ctrl-C. --switch pauses \
            the writes at the source at the end, copies the last changes, compares both sides, and says for how long clients may \
            be moved. The password comes from the address or from REDISCLI_AUTH.

            clusterd import redis://10.0.0.5:6379
            clusterd import redis://10.0.0.5:6379 --switch --pause 60s
            clusterd import redis://app@10.0.0.5 --follow
            """)

    @Argument(help: ArgumentHelp("The source: redis://USER:PASSWORD@HOST:PORT.", valueName: "address"))
    var address: String
    @Flag(help: "Copy changes until Ctrl-C.") var follow = false
    @Flag(name: .customLong("switch"), help: "Pause the writes at the source at the end, and copy the last changes.")
    var switching = false
    @Option(help: ArgumentHelp("How long --switch pauses the writes at most.", valueName: "duration"))
    var pause = TimeoutArgument(seconds: 60)
    @Flag(
        help: """
            Allow keys in the cluster. With --switch, or when the source is emptied, the cluster loses those that the \
            source does not have.
            """)
    var replace = false
    @Flag(help: "Print the result as one JSON document at the end.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func validate() throws {
        guard !(follow && switching) else { throw ValidationError("--follow and --switch are mutually exclusive") }
    }

    func run() async throws {
        do throws(Failure) {
            try await importKeys()
        } catch {
            throw error.json(json)
        }
    }

    private func importKeys() async throws(Failure) {
        let began = ContinuousClock.now
        var address = try ImportAddress(self.address)
        if address.password == nil {
            address.password = getenv("REDISCLI_AUTH").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let client = try daemon.client()
        let name = try client.get(.status, StatusDocument.self).cluster.name
        Output.note("cluster   \(name)")
        let connection = try await Self.connect(address, "nothing was copied")
        let facts = try await Self.facts(connection, address)
        let target = TargetCluster(client)
        let masters = try await target.inspect()
        guard let engine = await target.engine else {
            throw Failure("not-formed", "the engine of the cluster is unknown", hint: "clusterd wait")
        }
        if let refusal = ImportRefusal.of(facts, into: engine, switching: switching) { throw refusal.failure(address) }
        if let refusal = TargetRefusal.of(masters, needed: facts.bytes, replacing: replace) { throw refusal.failure }
        Output.note("source    \(address), \(facts.engine), \(facts.keys[0] ?? 0) keys")

        let stop = CopyStop()
        stop.watch(ending: follow)
        let server = try await ThrowawayServer.start(await target.server)
        defer { server.end() }
        let replica = try await TemporaryReplica(server, of: address, engine: engine)
        try await replica.synchronized()
        if let functions = try await replica.source.functions() { try await target.load(functions: functions) }
        var copy = LiveImport(replica, target)
        try await copy.copyAll()
        Output.note("copied    \(copy.count.copied) keys in \((ContinuousClock.now - began).inWords)")
        // The source may have closed a connection that was idle for so long.
        let late = try await Self.connect(address, "the copied keys stay in the cluster")
        let pause = WritePause(late, address, limit: self.pause.duration)
        if !switching { try await copy.catchUp(to: try await pause.offset()) }
        if follow {
            Output.note("follow    copying changes until Ctrl-C")
            try await copy.follow { stop.isWanted }
        }
        if switching { try await finish(&copy, pause) }
        try await report(copy.count, name, address, began, target)
    }

    private func finish(_ copy: inout LiveImport, _ pause: WritePause) async throws(Failure) {
        var pause = pause
        let offset = try await pause.begin()
        do throws(Failure) {
            try await copy.finish(at: offset, until: pause.deadline)
        } catch {
            await pause.end()
            var error = error
            error.message += "; the source takes writes again"
            throw error
        }
        let left = pause.deadline - ContinuousClock.now
        Output.note("switch    the cluster holds all keys; \(pause.address) delays writes for another \(left.inWords)")
        Output.note("          point clients at \(await copy.target.address) now")
        Output.note("          writes that wait at the source are carried out there when the pause ends")
    }

    private func report(
        _ count: CopyCount, _ name: String, _ address: ImportAddress, _ began: ContinuousClock.Instant,
        _ target: TargetCluster
    ) async throws(Failure) {
        let (keys, took) = (try await target.size(), ContinuousClock.now - began)
        if !switching {
            Output.note("imported  the cluster holds \(keys) keys; writes at the source from now on are not copied")
        }
        guard json else { return }
        let document = CopyDocument(
            cluster: name, source: address.description, keys: keys, expired: count.gone, bytes: count.bytes,
            milliseconds: took.inMilliseconds, complete: switching ? true : nil)
        Output.result((try? ControlJSON.encode(document)) ?? [])
    }

    // MARK: the source

    private static func connect(_ address: ImportAddress, _ consequence: String) async throws(Failure)
        -> RedisConnection
    {
        do throws(RedisClientError) {
            return try await RedisConnection.connect(
                host: address.host, port: address.port,
                credentials: address.password.map { RedisCredentials(user: address.user, password: $0) },
                on: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(5))
        } catch {
            throw Failure("source-unreachable", "\(address): \(error.description); \(consequence)")
        }
    }

    private static func facts(_ connection: RedisConnection, _ address: ImportAddress) async throws(Failure)
        -> ImportFacts
    {
        let answer: RESPValue
        do throws(RedisClientError) {
            answer = try await connection.send(RESPCommand("INFO"), timeout: .seconds(10))
        } catch {
            throw Failure("source-unreachable", "\(address): \(error.description); nothing was copied")
        }
        if let words = answer.errorText {
            throw Failure(
                "source-refused", "\(address) replies: \(words); nothing was copied",
                hint: "redis://USER:PASSWORD@HOST:PORT, or the password in REDISCLI_AUTH")
        }
        guard let text = answer.text, let facts = ImportFacts(InfoReply(text)) else {
            throw Failure("source-refused", "\(address) is neither Redis nor Valkey; nothing was copied")
        }
        return facts
    }
}

/// Whether the operator ends `import --follow`.
final class CopyStop: Sendable {
    private let state = Mutex(false)

    var isWanted: Bool { state.withLock { $0 } }

    /// - Parameter ending: whether the first signal ends the copy in order; else it interrupts it.
    func watch(ending: Bool) {
        SignalWatch.start([SIGINT, SIGTERM, SIGHUP]) { [self] _ in
            let isFirst = state.withLock { state in
                defer { state = true }
                return !state
            }
            if ending, isFirst { return Output.note("          copying the last changes; Ctrl-C again interrupts") }
            ThrowawayServer.endAll()
            Output.note("interrupted: a part of the keys was copied")
            Glibc.exit(ControlAPI.ExitCode.interrupted)
        }
    }
}
