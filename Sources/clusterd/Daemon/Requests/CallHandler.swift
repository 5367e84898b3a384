import ClusterModel
import ControlAPI
import HostDriver
import Orchestrator
import Planner
import RESP

/// Answers `call` and `login`: requests to nodes rather than to clusterd.
struct CallHandler: Sendable {
    let orchestrator: Orchestrator<HostDriver>
    let driver: HostDriver

    /// Calls all nodes at the same time. The answers are in the order of the nodes.
    func call(_ request: CallRequest) async throws(Failure) -> CallDocument {
        let callees =
            switch request.target {
            case .all: try await orchestrator.callees(nil, role: nil)
            case .masters: try await orchestrator.callees(nil, role: .master)
            case .replicas: try await orchestrator.callees(nil, role: .replica)
            case .nodes(let names): try await orchestrator.callees(names, role: nil)
            }
        let answers = await withTaskGroup(of: (Int, CallAnswer).self) { group in
            for (index, callee) in callees.enumerated() {
                group.addTask { (index, await answer(callee.member, callee.role, callee.contact, request)) }
            }
            var answers: [(Int, CallAnswer)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return CallDocument(answers: answers)
    }

    private func answer(
        _ member: Member, _ role: Role?, _ contact: Effect.Contact?, _ request: CallRequest
    ) async -> CallAnswer {
        let began = driver.now()
        var answer = CallAnswer(
            node: member.name, host: contact?.host ?? driver.connectHost, port: member.ports.client, role: role,
            type: nil, reply: .null, error: "the node is not running", milliseconds: 0)
        guard let contact else { return answer }
        switch await driver.call(RESPCommand(bytes: request.command), contact, timeout: request.timeout) {
        case .success(let value):
            (answer.type, answer.reply) = (CallAnswer.Kind(value), JSONValue(value))
            answer.error = value.errorText
        case .failure(let error): answer.error = error.description
        }
        answer.milliseconds = (driver.now() - began).inMilliseconds
        return answer
    }

    func login(_ node: String) async throws(Failure) -> LoginDocument {
        guard let callee = try await orchestrator.callees([node], role: nil).first else {
            throw Failure(.unknownNode, "there is no node '\(node)'")
        }
        let login = driver.login
        return LoginDocument(
            node: callee.member.name, host: driver.connectHost, port: callee.member.ports.client, user: login?.user,
            password: login?.password, server: driver.enginePath,
            tls: driver.spec.certificates(for: callee.member.settingsName).map {
                .init(
                    certificate: $0.clientCertificate, key: $0.clientKey, authorityFile: $0.authorityFile,
                    authorityFolder: $0.authorityFolder)
            })
    }
}

extension CallAnswer.Kind {
    init(_ value: RESPValue) {
        self =
            switch value {
            case .simple: .status
            case .error: .error
            case .integer: .integer
            case .bulk: .bulk
            case .array: .array
            case .null: .null
            case .boolean: .boolean
            case .double: .double
            case .map: .map
            }
    }
}

extension JSONValue {
    /// A reply. An error reply becomes null here; the document has its text elsewhere.
    init(_ value: RESPValue) {
        self =
            switch value {
            case .simple(let text): .string(text)
            case .error: .null
            default: JSONValue(element: value)
            }
    }

    private init(element value: RESPValue) {
        self =
            switch value {
            case .simple(let text): .object(["status": .string(text)])
            case .error(let text): .object(["error": .string(text)])
            case .integer(let number): .integer(number)
            case .bulk(let bytes): .bytes(bytes)
            case .array(let elements), .map(let elements): .array(elements.map { JSONValue(element: $0) })
            case .null: .null
            case .boolean(let value): .bool(value)
            case .double(let number): .number(number)
            }
    }
}
