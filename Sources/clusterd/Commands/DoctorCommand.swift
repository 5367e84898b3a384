import ArgumentParser
import ControlAPI
import HostDriver
import Planner

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
            let spec = try Configuration.load(
                Configuration.files(config), ConfigurationSource.defaults, .init(), by: .onlooker
            ).spec
            advice = HostAdvice.judge(.ofThisHost(spec, try Configuration.engine(for: spec)), spec)
        } catch {
            throw error.json(json)
        }
        if json {
            let document = DoctorDocument(advice: advice.map(DoctorDocument.Line.init))
            return Output.result((try? ControlJSON.encode(document)) ?? [])
        }
        for line in advice {
            Output.result("\(line.isGood ? "[OK]    " : "[ADVICE]") \(line.message)")
            guard let trouble = line.trouble else { continue }
            for text in [trouble.why] + trouble.remedies.map({ "  \($0)" }) { Output.result("         \(text)") }
        }
    }
}

/// `doctor --json`.
struct DoctorDocument: Encodable {
    struct Line: Encodable {
        var subject: String
        var ok: Bool
        var message: String
        var why: String?
        var remedies: [String]

        init(_ advice: HostAdvice) {
            subject = advice.subject
            ok = advice.isGood
            message = advice.message
            why = advice.trouble?.why
            remedies = advice.trouble?.remedies ?? []
        }
    }

    var schema = 1
    var advice: [Line]
}
