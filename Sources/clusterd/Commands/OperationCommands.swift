import ArgumentParser
import ControlAPI
import ControlClient

struct OperationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operations",
        abstract: "What is under way, and what became of what was.",
        discussion: """
            With a number: that operation with its steps, and with --follow until it has ended; then the exit code is its own.

            clusterd operations
            clusterd operations 12
            clusterd operations 12 --follow
            """)

    @Argument(help: ArgumentHelp("An operation's number.", valueName: "id"), completion: Completion.operation) var id:
        String?
    @Flag(name: [.short, .long], help: "Show each step as it comes, until it has ended.") var follow = false
    @Option(help: ArgumentHelp("How long to follow.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func validate() throws {
        if follow, id == nil { throw ValidationError("Name the operation that is to be followed.") }
    }

    func run() throws {
        do {
            let client = try daemon.client()
            guard let id else { return show(try client.get(.operations, OperationsDocument.self)) }
            let operation = try client.get(.operation(id: id), OperationDocument.self)
            if follow { return try Following(client, json: json).follow(operation, for: timeout.duration) }
            show(operation)
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }

    private func show(_ document: OperationsDocument) {
        if json { return Output.result((try? ControlJSON.encode(document)) ?? []) }
        guard !document.operations.isEmpty else { return Output.result("no operation is under way, and none was") }
        Output.result(OperationTable(document.operations, color: Output.hasColor).text)
    }

    private func show(_ operation: OperationDocument) {
        if json { return Output.result((try? ControlJSON.encode(operation)) ?? []) }
        Output.result(OperationTable([operation], color: Output.hasColor).story)
    }
}

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End an operation where it stands.",
        discussion: """
            What it has done stays done, and no further step is taken; a node that was on its way down is started again.

            clusterd cancel 12
            """)

    @Argument(help: ArgumentHelp("The operation's number.", valueName: "id"), completion: Completion.cancellable)
    var id: String
    @Flag(help: "Print the operation as one JSON document.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func run() throws {
        do throws(Failure) {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            Output.note("cluster   \(status.cluster.name)")
            let operation = try client.get(.change(.cancel(id), idempotencyKey: nil), OperationDocument.self)
            Output.note("          operation \(id) (\(operation.title)) is cancelled")
            if json { Output.result((try? ControlJSON.encode(operation)) ?? []) }
        } catch {
            throw error.json(json)
        }
    }
}
