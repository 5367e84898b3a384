import ControlAPI

/// The text form of operations.
struct OperationTable {
    private let operations: [OperationDocument]
    private let color: Bool

    init(_ operations: [OperationDocument], color: Bool) {
        self.operations = operations
        self.color = color
    }

    /// A table: open operations first, then those that ended, newest first.
    var text: String {
        let open = operations.filter { !$0.state.hasEnded }
        let ended = operations.filter(\.state.hasEnded).reversed()
        return ([row(["ID", "OPERATION", "STATE", "SINCE", ""])] + (open + ended).map(line)).joined(separator: "\n")
    }

    /// Each operation with its steps.
    var story: String {
        operations.flatMap { operation -> [String] in
            [line(operation)]
                + operation.steps.map { "  \(Self.clock($0.at))  \($0.text)" + ($0.state == .running ? " …" : "") }
                + (operation.error.map { ["  \(operation.endedAt.map(Self.clock) ?? "")  \($0)"] } ?? [])
        }.joined(separator: "\n")
    }

    private func line(_ operation: OperationDocument) -> String {
        let last = operation.error ?? operation.step ?? ""
        let text = row([
            operation.id, operation.title, operation.state.rawValue, Self.time(operation.startedAt), last,
        ])
        guard color else { return text }
        switch operation.state {
        case .failed: return "\u{1B}[31m\(text)\u{1B}[0m"
        case .queued, .running: return "\u{1B}[33m\(text)\u{1B}[0m"
        case .done, .cancelled: return text
        }
    }

    private func row(_ cells: [String]) -> String {
        var line = ""
        for (cell, width) in zip(cells, [5, 21, 11, 21, 0]) {
            line += cell + String(repeating: " ", count: max(width == 0 ? 0 : 1, width - cell.count))
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// `2026-01-01 00:00:00`.
    private static func time(_ timestamp: Timestamp) -> String {
        let text = timestamp.description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))"
    }
    /// `00:00:00.000`.
    private static func clock(_ timestamp: Timestamp) -> String {
        String(timestamp.description.dropFirst(11).prefix(12))
    }
}
