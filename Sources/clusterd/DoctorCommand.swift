import ArgumentParser
import ClusterModel
import ControlAPI
import NodeFiles
import Planner
import ProcessSupervision

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at the host: what would trouble a cluster here, and how to change it.",
        discussion: """
            Needs no daemon. With --config, the cluster that is configured there is what the host is held against. Always exit 0 when \
            the host could be looked at: it advises.

            clusterd doctor
            clusterd doctor --config ./conf.d --json
            """)

    @Option(
        help: ArgumentHelp("A file or a folder of configuration; may repeat.", valueName: "path"),
        completion: Completion.configuration)
    var config: [String] = []
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        let advice: [HostAdvice]
        do {
            let defaults = ConfigurationSource.defaults
            let spec = try Configuration.load(Configuration.files(config), defaults, .init()).spec
            let engine = try Configuration.engine(for: spec)
            let found = HostAdvice(
                subject: "engine", isGood: true, text: "\(engine.path) is \(engine.engine)", remedy: nil)
            advice = [found] + HostAdvice.judge(.ofThisHost(spec.dataDirectory), spec)
        } catch {
            throw error.json(json)
        }
        if json {
            let document = DoctorDocument(advice: advice.map(DoctorDocument.Line.init))
            return Output.result((try? ControlJSON.encode(document)) ?? [])
        }
        for line in advice {
            Output.result("\(line.isGood ? "[OK]" : "[ADVICE]") \(line.text)")
            if let remedy = line.remedy { Output.result("     \(remedy)") }
        }
    }
}

/// `doctor --json`.
struct DoctorDocument: Encodable {
    struct Line: Encodable {
        var subject: String
        var ok: Bool
        var message: String
        var remedy: String?

        init(_ advice: HostAdvice) {
            subject = advice.subject
            ok = advice.isGood
            message = advice.text
            remedy = advice.remedy
        }
    }

    var schema = 1
    var advice: [Line]
}

extension HostReading {
    static func ofThisHost(_ dataDirectory: String) -> HostReading {
        func text(_ path: String) -> String? {
            HostFile.text(path)
        }
        func number(_ path: String) -> Int? {
            text(path).flatMap { Int($0.split { $0 == "\n" || $0 == " " }.first ?? "") }
        }
        var host = HostReading(openFiles: OpenFileLimit.hard)
        host.overcommit = number("/proc/sys/vm/overcommit_memory")
        host.hugePages = text("/sys/kernel/mm/transparent_hugepage/enabled")?.split(separator: "[").last
            .flatMap { $0.split(separator: "]").first }.map(String.init)
        host.backlog = number("/proc/sys/net/core/somaxconn")
        host.swappiness = number("/proc/sys/vm/swappiness")
        host.hasSwap = (text("/proc/swaps")?.split(separator: "\n").count ?? 0) > 1
        let range = text("/proc/sys/net/ipv4/ip_local_port_range")?.split { $0 == "\t" || $0 == " " || $0 == "\n" }
            .compactMap { Int($0) }
        if let range, range.count == 2, range[0] <= range[1] { host.ephemeral = range[0]...range[1] }
        host.memoryBytes = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
            .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int64($0) }.map { $0 << 10 }
        var folder = dataDirectory
        while freeBytesOf(folder) == nil, let slash = folder.lastIndex(of: "/"), folder.count > 1 {
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
        host.freeBytes = freeBytesOf(folder)
        return host
    }

    private static func freeBytesOf(_ path: String) -> Int64? { NodeFiles.freeBytes(path) }
}
