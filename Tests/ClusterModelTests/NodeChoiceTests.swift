import ClusterModel
import Testing

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
}
