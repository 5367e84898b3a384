import ClusterModel
import Testing

@testable import Planner

@Suite struct NodeOverridesTests {
    private func names(_ ports: Int...) -> Set<NodeName> { Set(ports.map { NodeName(String($0)) }) }

    @Test func settingsOfABusyPortApplyToTheNodeOnTheNextPort() {
        let nodes = ["7000", "7002", "7003"].map { NodeName($0) }
        #expect(NodeOverrides.standIns(for: names(7000, 7001, 7002), among: nodes) == ["7003": "7001"])
        #expect(NodeOverrides.standIns(for: names(7000, 7001), among: ["7000", "7001"]).isEmpty)
    }

    @Test func settingsForAnUnknownNodeAreRefusedWithTheirLocation() throws {
        var spec = ClusterSpec(name: "demo", dataDirectory: "/data")
        spec.overrides["7009"] = .init(origin: .file("nodes.yaml", line: 3, column: 5))
        let refusal = try #require(NodeOverrides.refusal(spec, nodes: names(7000, 7001)))
        #expect(refusal.exit == 78 && refusal.message.hasPrefix("nodes.yaml:3:5: there is no node '7009'"))
        #expect(refusal.hint?.contains("the nodes are 7000 7001") == true)
        #expect(refusal.hint?.contains("did you mean '7000'?") == true)
        spec.overrides = ["7001": .init()]
        #expect(NodeOverrides.refusal(spec, nodes: names(7000, 7001)) == nil)
    }
}
