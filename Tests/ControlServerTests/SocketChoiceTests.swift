import ControlAPI
import ControlClient
import Testing

@Suite struct SocketChoiceTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var choice: SocketChoice
        var files: [String: SocketChoice.FileFact] = [:]
        /// A path, or nil for an error with `exit`.
        var path: String?
        var exit: Int32 = 0

        init(
            _ name: String, _ choice: SocketChoice, local: SocketChoice.FileFact = .absent,
            system: SocketChoice.FileFact = .absent, path: String? = nil, exit: Int32 = 0
        ) {
            testDescription = name
            self.choice = choice
            self.files = [SocketChoice.localSocket: local, SocketChoice.systemSocket: system]
            self.path = path
            self.exit = exit
        }
    }

    private static let me: UInt32 = 1000
    private static let local = SocketChoice.localSocket
    private static let system = SocketChoice.systemSocket

    @Test(arguments: [
        Row(
            "--socket before all else", SocketChoice(socket: "/s", directory: "/d", environment: "/e", caller: me),
            local: .owned(by: me), path: "/s"),
        Row(
            "--dir", SocketChoice(directory: "/d", environment: "/e", caller: me), local: .owned(by: me),
            path: "/d/control.sock"),
        Row("--dir with a slash", SocketChoice(directory: "d/", caller: me), path: "d/control.sock"),
        Row(
            "--cluster before the environment", SocketChoice(cluster: "demo", environment: "/e", caller: me),
            local: .owned(by: me), path: "/found/demo"),
        Row(
            "--dir before --cluster", SocketChoice(directory: "/d", cluster: "demo", caller: me),
            path: "/d/control.sock"),
        Row("an unknown cluster", SocketChoice(cluster: "gone", caller: me), local: .owned(by: me), exit: 3),
        Row("the environment", SocketChoice(environment: "/e", caller: me), local: .owned(by: me), path: "/e"),
        Row(
            "an empty environment variable is ignored", SocketChoice(environment: "", caller: me),
            local: .owned(by: me),
            path: local),
        Row("our own folder", SocketChoice(caller: me), local: .owned(by: me), system: .owned(by: 0), path: local),
        Row("root's folder here", SocketChoice(caller: me), local: .owned(by: 0), path: local),
        Row(
            "another user's folder is skipped", SocketChoice(caller: me), local: .owned(by: 1001),
            system: .owned(by: 0),
            path: system),
        Row("another user's folder is skipped for root too", SocketChoice(caller: 0), local: .owned(by: 1001), exit: 3),
        Row(
            "a folder that cannot be inspected", SocketChoice(caller: me), local: .hidden, system: .owned(by: 0),
            path: system),
        Row(
            "the service's socket, regardless of its owner", SocketChoice(caller: me), system: .owned(by: 997),
            path: system),
        Row("the service's socket, hidden", SocketChoice(caller: me), system: .hidden, path: system),
        Row("none", SocketChoice(caller: me), exit: 3),
    ])
    func theFirstNamedOrExistingSocketIsChosen(row: Row) throws {
        let fact = { (path: String) in row.files[path] ?? .absent }
        func find(_ name: String) throws(ControlError) -> String {
            guard name == "demo" else { throw ControlError("no-daemon", "there is none", exit: ExitCode.noDaemon) }
            return "/found/demo"
        }
        if let path = row.path {
            #expect(try row.choice.path(where: fact, find: find) == path)
        } else {
            let error = #expect(throws: ControlError.self) { try row.choice.path(where: fact, find: find) }
            #expect(error?.exit == row.exit)
        }
    }

    @Test func aNamedSocketIsNotInspected() throws {
        let choice = SocketChoice(socket: "/gone.sock", caller: Self.me)
        let path = try choice.path(
            where: { path in
                Issue.record("asked for \(path)")
                return .absent
            },
            find: { name in
                Issue.record("asked for \(name)")
                return name
            })
        #expect(path == "/gone.sock")
    }
}
