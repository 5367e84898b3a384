import ClusterModel
import Planner
import Testing

/// A planner script: blocks between empty lines. A block is a command with its words; what is decided follows after `----`. A line that
/// begins with `#` is a comment.
struct Script {
    struct Trouble: Error, CustomStringConvertible {
        var line: String
        var description: String { "the script has '\(line)'" }
    }

    private let blocks: [[String]]
    private var scene = Scene.settled()

    init(_ text: String) {
        blocks = text.split(separator: "\n\n").map { $0.split(separator: "\n").map(String.init) }
    }

    /// The script with what is decided now.
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
        case ("dies", let node?): scene.die(node)
        case ("loses-files", let node?): scene.disk[Scene.folder(node)]?.content = DirectoryContent()
        case ("loses-nodes-conf", let node?): scene.disk[Scene.folder(node)]?.nodesFile = .absent
        case ("stale-folder", let node?):
            scene.disk[Scene.folder(node)] = FolderClassificationTests.standalone(node)
        case ("busy", _): scene.busyPorts[Int(words[1]) ?? 0] = words.dropFirst(2).joined(separator: " ")
        case ("free-bytes", _): scene.room(Int64(words[1]) ?? 0)
        case ("restart-node", let node?): try scene.ask(.restartNode(node.text))
        case ("stop-node", let node?): try scene.ask(.stopNode(node.text))
        case ("failover", let node?): try scene.ask(.failover(node.text))
        case ("turns", _): return (0..<(Int(words[1]) ?? 1)).flatMap { _ in Self.told(scene.turn()) }
        case ("until", _): return run(until: words[1])
        case ("nodes", _): return nodes
        default: throw Trouble(line: line)
        }
        return []
    }

    private mutating func run(until goal: String) -> [String] {
        var said: [String] = []
        _ = scene.run { decision in
            for line in Self.told(decision) where said.last != line { said.append(line) }
            return switch goal {
            case "done": decision.record?.operations.contains(where: \.isOpen) == false
            case "finding": decision.findings.contains { $0.severity == .error }
            default: decision.assessment.ready
            }
        }
        return said
    }

    /// What is ordered, but for questions; what is waited for, and what is found.
    private static func told(_ decision: Decision) -> [String] {
        let verdicts = decision.verdicts.map { "verdict  \($0.sentence)" }
        let deeds = decision.deeds.map { "does     \($0)" }
        // A number of milliseconds is another with each change of a pause: it says nothing about the decision.
        let waits = decision.waits.prefix(1).map { "waits    \($0.words)" }
        let findings = decision.findings.filter { $0.severity > .info }.map {
            "finds    \($0.code): \($0.message)"
        }
        return verdicts + deeds + waits + findings
            + (decision.refusal.map { ["refuses  \($0.code): \($0.message)"] } ?? [])
    }

    private var nodes: [String] {
        (scene.record?.members ?? []).map { member in
            let isMaster = scene.masters.contains(member.name)
            let isUp = scene.processes[member.name] != nil
            return
                "\(member.name)  port \(member.ports.client)  \(isMaster ? "master" : "replica")  \(isUp ? "runs" : "down")"
        }
    }
}
