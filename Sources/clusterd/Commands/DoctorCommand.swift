import ArgumentParser
import ControlAPI
import HostDriver
import Planner

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the host for problems that affect a cluster, and show how to fix them.",
        discussion: """
            Needs no daemon. With --config, checks the host against the cluster that is configured there. The result is advice: \
            exits with 0 if the host could be checked.

            clusterd doctor
            clusterd doctor --config ./conf.d --json
            """)

    @Option(
        help: ArgumentHelp("Read the configuration from this file or folder; may repeat.", valueName: "path"),
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
