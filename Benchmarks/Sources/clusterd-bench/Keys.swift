/// The keys of one data set, with their slots.
struct Keys: Sendable {
    let prefix: String
    let names: [String]
    let slots: [Int]

    init(_ prefix: String, count: Int) {
        self.prefix = prefix
        names = (0..<count).map { "\(prefix):\($0)" }
        slots = names.map { Slots.slot(of: $0) }
    }

    /// What each small key holds.
    static let value = String(repeating: "v", count: 50)

    /// The numbers of the keys, by the port of the master that owns their slots.
    func numbers(by owners: [Int]) -> [Int: [Int]] {
        var numbers: [Int: [Int]] = [:]
        for (number, slot) in slots.enumerated() { numbers[owners[slot], default: []].append(number) }
        return numbers
    }
}
