import ClusterModel
import Planner
import Testing

/// Invariant: port-pair.
@Suite struct PortCandidatesTests {
    private let seven = Engine(name: .redis, version: EngineVersion(7, 0, 15))
    private let six = Engine(name: .redis, version: EngineVersion(6, 2, 5))

    private func spec(_ ports: ClusterSpec.PortChoice) -> ClusterSpec {
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        spec.ports = ports
        return spec
    }

    @Test func candidatesStartAtTheFirstPortAndAscend() {
        let pairs = PortCandidates(spec(.from(7000)), engine: seven).pairs
        #expect(pairs.prefix(3).map(\.client) == [7000, 7001, 7002])
        #expect(pairs[0].bus == 17000)
    }

    @Test func preferredPortsComeFirst() {
        let pairs = PortCandidates(spec(.from(7000)), engine: seven, preferred: [7000, 7001, 7006]).pairs
        #expect(pairs.prefix(4).map(\.client) == [7000, 7001, 7006, 7002])
    }

    @Test func highPortsHaveALowerBusPortIfTheEngineSupportsIt() {
        let pairs = PortCandidates(spec(.from(60000)), engine: seven).pairs
        #expect(pairs.first == PortPair(client: 60000, bus: 50000))
        #expect(PortCandidates(spec(.from(60000)), engine: six).pairs.isEmpty)
    }

    @Test func noCandidateIsAboveTheLastPort() {
        let pairs = PortCandidates(spec(.from(65534)), engine: seven).pairs
        #expect(pairs.map(\.client) == [65534, 65535])
    }

    @Test func noPortPairOverlapsAnother() {
        // 17000 is the bus port of 7000.
        let pairs = PortCandidates(spec(.list([7000, 17000, 7001])), engine: seven).pairs
        #expect(pairs.map(\.client) == [7000, 7001])
    }
}
