import ClusterModel
import ControlAPI
import Foundation
import Testing

/// A cluster under a writer, faults chosen by a seed, and a ledger that is compared with the cluster after each.
final class Chaos {
    enum Fault: String, CaseIterable {
        case killMaster = "kill -9 of a master"
        case killReplica = "kill -9 of a replica"
        case killTwoMasters = "kill -9 of two masters"
        case killShard = "kill -9 of a master and its replica"
        case killDaemon = "kill -9 of clusterd"
        case killDaemonAndMaster = "kill -9 of clusterd and of a master"
        case freezeBriefly = "SIGSTOP of a master for a moment"
        case freezeForGood = "SIGSTOP of a master until it is replaced"
        case restartNode = "restart-node of a master"
        case reboot = "kill -9 of everything"
    }

    struct Round {
        var fault: Fault
        var node: String
        var writes: Int
        var lost: Int
        var confirmedLost: Int
        /// The events that clusterd reported.
        var story: [String]
    }

    private let daemon: Daemon
    private let arguments: [String]
    private let writer: ClusterWriter
    private var generator: SplitMix
    private var frozen: Set<NodeName> = []
    private(set) var rounds: [Round] = []

    init(_ daemon: Daemon, seed: UInt64, arguments: [String]) {
        self.daemon = daemon
        self.arguments = arguments
        generator = SplitMix(state: seed)
        writer = ClusterWriter((0..<6).map { daemon.base + $0 }, patience: .seconds(120), batch: 20)
    }

    func run(_ count: Int) async throws {
        try daemon.up(arguments)
        try await daemon.ready()
        await writer.start(lanes: 4, confirming: 10)
        for number in 1...count {
            let before = await writer.writes
            #expect(await eventually { await self.writer.writes > before + 3000 })
            try await round(number)
        }
        await writer.end()
        #expect(await writer.failures == [], "a write was refused for two minutes")
        try await daemon.stop()
    }

    private func round(_ number: Int) async throws {
        let fault = Fault.allCases.randomElement(using: &generator) ?? .reboot
        let nodes = try daemon.status().nodes
        let masters = nodes.filter { $0.role == .master }
        let master = try #require(masters.randomElement(using: &generator))
        let since = try events().last?.seq ?? 0
        let before = await writer.writes
        let struck = try await strike(fault, master, nodes)
        let named = struck.isEmpty ? master.name.text : struck.map(\.name.text).joined(separator: " ")
        let isReady = await eventually(within: .seconds(180)) { [daemon] in
            let status = try daemon.status()
            return status.cluster.ready && struck.allSatisfy { node in !status.nodes.contains { $0.pid == node.pid } }
        }
        try #require(isReady, "round \(number), \(fault.rawValue) \(named): \(daemon.output.suffix(3000))")
        let now = try daemon.status().nodes.filter { $0.role == .master }
        #expect(now.count == 3 && Set(now.flatMap(\.slots)).count == now.flatMap(\.slots).count)
        let lost = try await writer.lost(on: now.map(\.port))
        rounds.append(
            Round(
                fault: fault, node: named, writes: await writer.writes - before, lost: lost.acknowledged.count,
                confirmedLost: lost.confirmed.count,
                story: try events().filter { $0.seq > since && $0.severity != .info }.map(\.message)))
        await writer.forget(lost.acknowledged)
    }

    private func events() throws -> [EventDocument] {
        try daemon.client.send(.events(EventQuery(count: 1000), follows: false)).decode(EventsDocument.self).events
    }

    /// - Returns: the nodes whose processes are expected to be replaced.
    private func strike(
        _ fault: Fault, _ master: NodeDocument, _ nodes: [NodeDocument]
    ) async throws -> [NodeDocument] {
        let replicas = nodes.filter { $0.replicaOf == master.name }
        let shard = ([master] + replicas).map(\.name)
        switch fault {
        case .killMaster: return end([master])
        case .killReplica: return end(replicas)
        case .killTwoMasters:
            return end(Array(nodes.filter { $0.role == .master }.shuffled(using: &generator).prefix(2)))
        case .killShard: return end([master] + replicas)
        case .killDaemon:
            try await restartDaemon()
            return []
        case .killDaemonAndMaster:
            kill(daemon.process.processIdentifier, SIGKILL)
            let ended = end([master])
            try await restartDaemon()
            return ended
        case .freezeBriefly:
            guard let pid = master.pid else { return [] }
            let writes = await writer.writes
            kill(pid, SIGSTOP)
            // As long as the other nodes can do without it.
            _ = await eventually(within: .seconds(1)) { [writer] in await writer.writes > writes + 2000 }
            kill(pid, SIGCONT)
            return []
        case .freezeForGood:
            // A second one of the same shard would not be killed: clusterd kills at most one in ten minutes.
            guard frozen.isDisjoint(with: shard) else { return [] }
            frozen.formUnion(shard)
            if let pid = master.pid { kill(pid, SIGSTOP) }
            return [master]
        case .restartNode:
            let restart = try daemon.command(["restart-node", master.name.text, "--timeout", "120s"])
            #expect(restart.exit == 0, "\(restart.errors)")
            return [master]
        case .reboot:
            kill(daemon.process.processIdentifier, SIGKILL)
            let ended = end(nodes)
            try await restartDaemon()
            return ended
        }
    }

    private func end(_ nodes: [NodeDocument]) -> [NodeDocument] {
        for node in nodes { if let pid = node.pid { kill(pid, SIGKILL) } }
        return nodes
    }

    private func restartDaemon() async throws {
        kill(daemon.process.processIdentifier, SIGKILL)
        _ = await daemon.ended()
        try daemon.up(arguments)
    }

    /// The lost writes, and the reason, as text.
    var report: String {
        var lines = rounds.enumerated().flatMap { index, round in
            [
                "round \(index + 1)  \(round.fault.rawValue), \(round.node): \(round.writes) writes, \(round.lost) keys lost their last"
            ]
                + (round.lost > 0 ? round.story.map { "          \($0)" } : [])
        }
        let lossy = rounds.filter { $0.lost > 0 }
        lines.append(
            "\(rounds.map(\.writes).reduce(0, +)) acknowledged writes in \(rounds.count) rounds; keys that lost their last write: "
                + (lossy.isEmpty ? "none" : lossy.map { String($0.lost) }.joined(separator: " "))
                + "; of those that WAIT had confirmed: \(rounds.map(\.confirmedLost).reduce(0, +))")
        return lines.joined(separator: "\n")
    }
}

/// https://prng.di.unimi.it/splitmix64.c: the same seed, the same faults.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
