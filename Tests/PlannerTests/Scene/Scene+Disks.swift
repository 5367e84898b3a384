import ClusterModel
import Planner

/// Free space on the disks.
extension Scene {
    static let plenty: Int64 = 1 << 40

    /// All folders are on one disk.
    mutating func room(_ free: Int64, reserve: Int64 = 0) {
        let folders = [spec.dataDirectory] + (record?.members.map(\.directory) ?? [])
        seen.note([Disk(folders: folders, free: free, size: Self.plenty, reserve: reserve)], at: now)
    }

    /// These nodes have a disk of their own, and the disk of the others has plenty of space.
    mutating func ownDisk(of nodes: NodeName..., free: Int64, size: Int64 = 1 << 30, reserve: Int64 = 0) {
        if seen.disks.isEmpty { room(Self.plenty, reserve: Reserve.bytes) }
        let folders = nodes.map(Self.folder)
        for index in seen.disks.indices { seen.disks[index].folders.removeAll(where: folders.contains) }
        seen.disks.removeAll { $0.folders.isEmpty }
        seen.note(seen.disks + [Disk(folders: folders, free: free, size: size, reserve: reserve)], at: now)
    }
}
