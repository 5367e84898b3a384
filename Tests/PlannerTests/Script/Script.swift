import ClusterModel
import Planner
import Testing

/// A planner script: blocks between empty lines. A block is a command with its arguments; the decision follows after
/// `----`. A line that begins with `#` is a comment.
struct Script {
    struct Trouble: Error, CustomStringConvertible {
        var line: String
        var description: String { "the script has '\(line)'" }
    }

    private let blocks: [[String]]
    private var scene = Scene.settled()
    private var before: Decision?

    init(_ text: String) {
        blocks = text.split(separator: "\n\n").map { $0.split(separator: "\n").map(String.init) }
    }

    /// The script with the current decisions.
    mutating func run() throws -> String {
        var texts: [String] = []
        for block in blocks {
            let commands = Array(block.prefix { $0 != "----" })
            var said: [String] = []
            for line in commands where !line.hasPrefix("#") { said += try carryOut(line) }
            texts.append((commands + (said.isEmpty ? [] : ["----"] + said)).joined(separator: "\n"))
        }
        return texts.joined(separator: "\n\n") + "\n"
    }

    private mutating func carryOut(_ line: String) throws -> [String] {
        let words = line.split(separator: " ").map(String.init)
        let node = words.count > 1 ? NodeName(words[1]) : nil
        switch (words[0], node) {
        case ("new-cluster", _): scene = .untouched()
        case ("settled", _): scene = .settled(replicas: words.count > 1 ? Int(words[1]) ?? 1 : 1)
        case ("new-daemon", _): scene.replaceDaemon()
        case ("lose-record", _): scene.loseRecord()
        case ("dies", let node?):
            // After the last survey of the folders.
            scene.pass(.milliseconds(1))
            scene.die(node)
        case ("loses-files", let node?): scene.disk[Scene.folder(node)]?.content = DirectoryContent()
        case ("loses-nodes-conf", let node?): scene.disk[Scene.folder(node)]?.nodesFile = .absent
        case ("stale-folder", let node?):
            scene.disk[Scene.folder(node)] = FolderClassificationTests.standalone(node)
        case ("busy", _): scene.busyPorts[Int(words[1]) ?? 0] = words.dropFirst(2).joined(separator: " ")
        case ("free-bytes", _): scene.room(Int64(words[1]) ?? 0)
        case ("restart-node", let node?): try scene.ask(.restartNode(node.text))
        case ("stop-node", let node?): try scene.ask(.stopNode(node.text))
        case ("failover", let node?): try scene.ask(.failover(node.text))
        case ("turns", _):
            return (0..<(Int(words[1]) ?? 1)).flatMap { _ in told(scene.turn()) }
        case ("until", _): return run(until: words[1])
        case ("nodes", _): return nodes
        default: throw Trouble(line: line)
        }
        return []
    }

    private mutating func run(until goal: String) -> [String] {
        var decisions: [Decision] = []
        scene.run { decision in
            decisions.append(decision)
            return switch goal {
            case "done": decision.record?.operations.contains(where: \.isOpen) == false
            case "finding": decision.findings.contains { $0.severity == .error }
            default: decision.assessment.ready
            }
        }
        return decisions.flatMap { told($0) }
    }

    /// The orders, without queries; and the waits and findings that are new in this turn.
    private mutating func told(_ decision: Decision) -> [String] {
        defer { before = decision }
        let verdicts = decision.verdicts.filter { before?.verdicts.contains($0) != true }
        let findings = decision.findings.filter { $0.severity > .info && before?.findings.contains($0) != true }
        let wait = decision.waits.first == before?.waits.first ? nil : decision.waits.first
        return verdicts.map { "verdict  \($0.sentence)" } + Self.deeds(decision).map { "does     \(Self.short($0))" }
            + (wait.map { ["waits    \($0.words)"] } ?? [])
            + findings.map { "finds    \($0.code): \($0.message)" }
            + (decision.refusal.map { ["refuses  \($0.code): \($0.message)"] } ?? [])
    }

    private static func deeds(_ decision: Decision) -> [EffectKey] {
        let deeds = Set(decision.deeds)
        return decision.effects.map(\.key).filter { deeds.contains($0.description) }
    }

    /// The keys of these effects end with a moment, a fingerprint or an ID, which differ between scenes.
    private static let shortened: Set<EffectKey.Kind> = [
        .acceptPassword, .forget, .handOver, .promote, .replicate, .survey, .unpause, .writeFiles,
    ]

    private static func short(_ key: EffectKey) -> String {
        guard shortened.contains(key.kind) else { return key.description }
        let parts = [
            key.kind.rawValue, key.node?.text, key.process.map { String($0.pid) }, key.attempt.map { "#\($0)" },
        ]
        return parts.compactMap(\.self).joined(separator: " ")
    }

    private var nodes: [String] {
        (scene.record?.members ?? []).map { member in
            let node = before?.assessment.node(member.name)
            let role = node?.health == .down ? "down" : node?.role?.rawValue ?? "unknown"
            return "\(member.name)  port \(member.ports.client)  \(role)"
        }
    }
}
