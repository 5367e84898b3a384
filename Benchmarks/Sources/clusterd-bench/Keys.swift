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

    /// As many in each of these slots: a name has a hash tag.
    init(_ prefix: String, count: Int, in range: Range<Int>) {
        self.prefix = prefix
        let tags = Slots.keys
        let slots = (0..<count).map { range.lowerBound + $0 % range.count }
        self.slots = slots
        names = (0..<count).map { "\(prefix):{\(tags[slots[$0]])}:\($0)" }
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
