import ClusterModel
import NodeFiles
import Orchestrator
import Planner

/// File work with a limit, outside the threads of the loop (docs/supervision.md).
extension HostDriver {
    /// The limit for work that takes milliseconds on a working disk.
    static let fileLimit = Duration.seconds(10)
    /// How long a copy may take before it is reported as hanging.
    static let copying = Duration.seconds(600)

    /// An error of a file is a failure with its words.
    /// - Parameter limit: nil: waits for the outcome without a limit.
    func outcome(
        _ order: FileWork.Order, limit: Duration? = HostDriver.fileLimit,
        _ work: @escaping @Sendable () throws(FileError) -> Outcome
    ) async -> Outcome {
        let whole: @Sendable () -> Outcome = {
            do throws(FileError) {
                return try work()
            } catch {
                return .failed(error.description)
            }
        }
        return await files.run(order, limit: limit, whole)
            ?? .failed("\(order.path): the disk does not answer (\(order.doing) it has not returned)")
    }

    func change(
        _ order: FileWork.Order, limit: Duration? = HostDriver.fileLimit,
        _ body: @escaping @Sendable () throws(FileError) -> Void
    ) async -> Outcome {
        await outcome(order, limit: limit) { () throws(FileError) in
            try body()
            return .done
        }
    }

    package func overdue() -> [OverdueWork] { files.overdue }

    package func store(_ record: Record, limit: Duration) async -> RecordWrite {
        let path = Self.recordPath(dataDirectory)
        let whenLate: @Sendable (RecordWrite) -> Void = { [inbox] _ in inbox.wake() }
        return await files.run(.init("record", "writing", path), limit: limit, whenLate: whenLate) { [self] in
            if recordOnDisk.withLock({ $0 == record }) { return .written }
            guard let bytes = RecordCoding.encode(record) else { return .refused("it cannot be encoded as JSON") }
            do throws(FileError) {
                recordOnDisk.withLock { $0 = nil }
                try writeDurably(bytes, to: path, mode: Self.recordMode)
                recordOnDisk.withLock { $0 = record }
                return .written
            } catch {
                return .refused(error.description)
            }
        } ?? .late
    }

    /// Reads the free space in each turn. For a file system that does not respond, the last values are used.
    package func disks(of folders: [String]) async -> [Disk] {
        let order = FileWork.Order("disks", "reading the free space of", dataDirectory)
        guard let disks = await files.run(order, limit: .milliseconds(100), { NodeFiles.disks(of: folders) }) else {
            return lastDisks.withLock { $0 }
        }
        lastDisks.withLock { $0 = disks }
        return disks
    }
}
