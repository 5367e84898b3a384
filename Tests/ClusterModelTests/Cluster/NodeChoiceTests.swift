import Testing

@testable import ClusterModel

@Suite struct NodeChoiceTests {
    private let nodes = [
        NodeChoice.Candidate(name: "7000", port: 7001, id: NodeID("abcd1" + String(repeating: "0", count: 35))),
        NodeChoice.Candidate(name: "7001", port: 7006, id: NodeID("abcd2" + String(repeating: "0", count: 35))),
        NodeChoice.Candidate(name: "7002", port: 7002, id: nil),
    ]

    @Test(arguments: [
        ("7001", NodeChoice.one(1)), ("7006", .one(1)), ("127.0.0.1:7006", .one(1)), ("127.0.0.1:7001", .one(0)),
        ("abcd2", .one(1)), ("ABCD1", .one(0)), ("abcd", .several([0, 1])), ("abc", .none), ("", .none), ("9", .none),
    ])
    func aNameComesBeforeAPortAndAPortBeforeAnID(text: String, choice: NodeChoice) {
        #expect(NodeChoice(text, among: nodes) == choice)
    }

    @Test func anUnknownOrAmbiguousNodeIsRefusedWithTheListOfNodes() {
        #expect(throws: Never.self) { try NodeChoice.position(of: "7002", among: nodes) }
        let several = Failure(
            "ambiguous-node", "'abcd' begins the ids of 7000 (abcd1000), 7001 (abcd2000)", hint: "give the name",
            exit: 64)
        #expect(throws: several) { try NodeChoice.position(of: "abcd", among: nodes) }
        let none = Failure("unknown-node", "there is no node '9'; the nodes are 7000 7001 7002", exit: 64)
        #expect(throws: none) { try NodeChoice.position(of: "9", among: nodes) }
    }
}
