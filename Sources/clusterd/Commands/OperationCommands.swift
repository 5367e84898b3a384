import ArgumentParser
import ClusterModel
import ControlAPI
import ControlClient

struct OperationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operations",
        abstract: "List running and recent operations.",
        discussion: """
            With an ID, shows the steps of that operation. With --follow, waits until it ends, and exits with 1 if it did not succeed.

            clusterd operations
            clusterd operations 12
            clusterd operations 12 --follow
            """)

    @Argument(help: ArgumentHelp("The number of an operation.", valueName: "id"), completion: Completion.operation)
    var id: String?
    @Flag(name: [.short, .long], help: "Print each step as it happens, until the operation ends.") var follow = false
    @Option(help: ArgumentHelp("How long to follow.", valueName: "duration"))
    var timeout = TimeoutArgument(seconds: 60)
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func validate() throws {
        if follow, id == nil { throw ValidationError("Name the operation to follow.") }
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
        guard !document.operations.isEmpty else { return Output.result("there are no running or recent operations") }
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
        abstract: "Cancel an operation.",
        discussion: """
            Takes no further step and does not undo completed ones. Starts a node again that was being stopped. Finishes slots that \
            are half moved.

            clusterd cancel 12
            """)

    @Argument(help: ArgumentHelp("The number of the operation.", valueName: "id"), completion: Completion.cancellable)
    var id: String
    @Flag(help: "Print the operation as one JSON document.") var json = false
    @OptionGroup var daemon: DaemonChoice

    func run() throws {
        do throws(Failure) {
            let client = try daemon.client()
            let status = try client.get(.status, StatusDocument.self)
            Output.note("cluster   \(status.cluster.name)")
            let operation = try client.get(.change(.cancel(id), idempotencyKey: nil), OperationDocument.self)
            Output.note(
                operation.state.hasEnded
                    ? "          operation \(id) (\(operation.title)) is cancelled"
                    : "          operation \(id) (\(operation.title)) ends once no slot is half moved")
            if json { Output.result((try? ControlJSON.encode(operation)) ?? []) }
        } catch {
            throw error.json(json)
        }
    }
}
