import ClusterModel
import RESP

/// An atomic migration as a node reports it (CLUSTER GETSLOTMIGRATIONS, Valkey 9.0). Those that have ended stay in the list.
struct SlotJob: Sendable, Equatable {
    enum State: Sendable, Equatable { case underWay, success, cancelled, failed }

    var name: String
    /// The node sends the slots; else it receives them.
    var isExport: Bool
    var slots: SlotSet
    var state: State
    /// Why it failed, in the engine's words.
    var message: String
    /// The target uses more than its `maxmemory` ("Ran out of memory (OOM) during slot import").
    var isOutOfMemory: Bool { state == .failed && message.contains("(OOM)") }

    /// The newest first, as the engine lists them; nil: no such list.
    static func list(_ answer: RESPValue?) -> [SlotJob]? {
        if case .null? = answer { return [] }
        return answer?.elements?.compactMap(job)
    }

    private static func job(_ answer: RESPValue) -> SlotJob? {
        let parts = answer.elements ?? []
        var fields: [String: String] = [:]
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            if let key = parts[index].text, let value = parts[index + 1].text { fields[key] = value }
        }
        guard let name = fields["name"], let slots = SlotSet(texts: words(fields["slot_ranges"])) else { return nil }
        return SlotJob(
            name: name, isExport: fields["operation"] == "EXPORT", slots: slots, state: state(fields["state"]),
            message: words(fields["message"]).joined(separator: " "))
    }

    /// Without the line breaks that the engine leaves in an error.
    private static func words(_ text: String?) -> [String] {
        (text ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func state(_ text: String?) -> State {
        switch text {
        case "success": .success
        case "cancelled": .cancelled
        case "failed": .failed
        default: .underWay
        }
    }
}
