import ClusterModel
import Planner

/// A file system of the simulated host, and the process that fills it.
struct SimulatedDisk {
    private static let plenty: Int64 = 50 << 30

    /// The one folder on it; nil for all folders that are on no other disk.
    var folder: String?
    private(set) var free = Self.plenty
    private(set) var reserve: Int64 = 0
    /// Another process takes the space that becomes free, a little at a time.
    private var isGreedy = false

    init(folder: String? = nil) { self.folder = folder }

    /// Less than one more block.
    var isFull: Bool { free < 4096 }

    func facts(_ folders: [String]) -> Disk {
        Disk(folders: folders, free: free, size: Self.plenty * 2, reserve: reserve)
    }

    mutating func fill(leaving bytes: Int64, isGreedy: Bool) {
        free = bytes
        self.isGreedy = isGreedy
    }

    mutating func empty() {
        free = Self.plenty
        isGreedy = false
    }

    /// The space that the filling process takes at once.
    mutating func shrink() {
        if isGreedy { free = max(0, free - 1 << 20) }
    }

    /// Returns false if there is no room for it.
    mutating func makeReserve() -> Bool {
        guard reserve == 0, free >= Reserve.bytes else { return reserve > 0 }
        free -= Reserve.bytes
        reserve = Reserve.bytes
        return true
    }

    mutating func releaseReserve() {
        free += reserve
        reserve = 0
    }
}

extension SimulatedHost {
    func disk(of folder: String) -> SimulatedDisk { disks[index(of: folder)] }

    private func index(of folder: String) -> Int { disks.firstIndex { $0.folder == folder } ?? 0 }

    func isFull(_ folder: String) -> Bool { disk(of: folder).isFull }

    /// The disks that clusterd finds by these folders.
    func facts(of folders: [String]) -> [Disk] {
        disks.indices.compactMap { place in
            let mine = folders.filter { index(of: $0) == place }
            return mine.isEmpty ? nil : disks[place].facts(mine)
        }
    }

    mutating func change(diskOf folder: String, _ change: (inout SimulatedDisk) -> Void) {
        change(&disks[index(of: folder)])
    }
}
