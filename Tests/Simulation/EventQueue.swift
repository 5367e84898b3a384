import ClusterModel

/// Scheduled actions by time; those of the same moment run in the order in which they were scheduled.
struct EventQueue<Action> {
    private struct Entry {
        var at: Moment
        var order: Int
        /// The index of the action: actions are large, and are not moved.
        var place: Int
    }

    /// A binary heap, the earliest first.
    private var heap: [Entry] = []
    private var actions: [Action?] = []
    private var free: [Int] = []
    private var count = 0

    var isEmpty: Bool { heap.isEmpty }
    var next: Moment? { heap.first?.at }

    mutating func add(_ action: Action, at moment: Moment) {
        count += 1
        let place = free.popLast() ?? actions.count
        if place == actions.count { actions.append(action) } else { actions[place] = action }
        heap.append(Entry(at: moment, order: count, place: place))
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
        return take(first.place).map { (first.at, $0) }
    }

    private mutating func take(_ place: Int) -> Action? {
        free.append(place)
        let action = actions[place]
        actions[place] = nil
        return action
    }

    /// Removes every matching action, in order of time.
    mutating func remove(where fits: (Action) -> Bool) -> [Action] {
        let going = heap.sorted(by: isEarlier).filter { entry in actions[entry.place].map(fits) ?? false }
        let places = Set(going.map(\.place))
        heap = heap.filter { !places.contains($0.place) }.sorted(by: isEarlier)
        return going.compactMap { take($0.place) }
    }

    private func isEarlier(_ a: Entry, _ b: Entry) -> Bool { (a.at, a.order) < (b.at, b.order) }
}
