import ClusterModel

/// What is to happen when; at the same moment, in the order in which it was said.
struct EventQueue<Action> {
    private struct Entry {
        var at: Moment
        var order: Int
        var action: Action
    }

    /// A binary heap, the earliest first.
    private var heap: [Entry] = []
    private var count = 0

    var isEmpty: Bool { heap.isEmpty }
    var next: Moment? { heap.first?.at }

    mutating func add(_ action: Action, at moment: Moment) {
        count += 1
        heap.append(Entry(at: moment, order: count, action: action))
        var child = heap.count - 1
        while child > 0, isEarlier(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> (at: Moment, action: Action)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && isEarlier(heap[child], heap[least]) {
                least = child
            }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.at, first.action)
    }

    /// Takes out everything that fits, in order of time.
    mutating func remove(where fits: (Action) -> Bool) -> [Action] {
        let sorted = heap.sorted(by: isEarlier)
        heap = []
        for entry in sorted where !fits(entry.action) { heap.append(entry) }
        return sorted.filter { fits($0.action) }.map(\.action)
    }

    private func isEarlier(_ a: Entry, _ b: Entry) -> Bool { (a.at, a.order) < (b.at, b.order) }
}
