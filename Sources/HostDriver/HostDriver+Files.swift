import ClusterModel
import Glibc
import NodeFiles
import Planner
import ProcessSupervision

/// Effects on files and ports.
extension HostDriver {
    var owner: Owner? { user.map { Owner(userID: $0.userID, groupID: $0.groupID) } }
    var quarantine: Quarantine { Quarantine(root: dataDirectory + "/quarantine") }

    func makeFolder(_ path: String) async -> Outcome {
        await change(.init(path, "making", path)) { [owner] () throws(FileError) in
            try makeDirectory(path, owner: owner)
        }
    }

    /// A copy to another file system has no time limit, because the node has to wait for it anyway.
    func move(_ order: Effect.Quarantine) async -> Outcome {
        let job = FileWork.Order(order.directory, "moving to quarantine", order.directory, patience: Self.copying)
        return await change(job, limit: nil) { [quarantine] () throws(FileError) in
            try quarantine.move(order.files, from: order.directory, into: order.folder, note: order.note)
        }
    }

    func keepCopies(_ order: Effect.Quarantine) async -> Outcome {
        let job = FileWork.Order(order.directory, "copying to quarantine", order.directory, patience: Self.copying)
        return await change(job, limit: nil) { [quarantine] () throws(FileError) in
            let kept = try quarantine.keepCopies(
                of: order.files, in: order.directory, into: order.folder, note: order.note, reading: order.reading)
            guard kept != nil || !order.mustExist else {
                let path = "\(order.directory)/\(order.files.joined(separator: " "))"
                throw FileError("copy to quarantine", path, code: ENOENT)
            }
        }
    }

    func discardCopies(_ folder: String) async -> Outcome {
        let job = FileWork.Order("quarantine", "deleting", "\(quarantine.root)/\(folder)", patience: Self.copying)
        return await change(job, limit: nil) { [quarantine] () throws(FileError) in
            try quarantine.discardCopies(folder)
        }
    }

    func makeReserve(in folder: String) async -> Outcome {
        await change(.init("reserve \(folder)", "reserving space in", folder)) { () throws(FileError) in
            try NodeFiles.makeReserve(in: folder)
        }
    }

    /// Removes the reserve. A promotion waits for this.
    func releaseReserve(in folder: String) async -> Outcome {
        let job = FileWork.Order("reserve \(folder)", "removing the reserve in", folder)
        return await change(job, limit: .milliseconds(500)) { () throws(FileError) in
            try NodeFiles.releaseReserve(in: folder)
        }
    }

    func measure(_ logs: [Effect.NodeLog]) async -> Outcome {
        let askedAt = now()
        let job = FileWork.Order("logs", "reading the length of logs in", dataDirectory)
        return await outcome(job) {
            let sizes = logs.map { ($0.node, RotatedFile($0.path, count: 1).size) }
            return .measured(.init(askedAt: askedAt, bytes: Dictionary(sizes, uniquingKeysWith: { $1 })))
        }
    }

    func rotate(_ order: Effect.LogRotation) async -> Outcome {
        await change(.init("logs", "rotating", order.path)) { () throws(FileError) in
            try RotatedFile(order.path, count: order.count).rotate()
        }
    }

    func survey(_ record: Record?) async -> Outcome {
        await outcome(.init("survey", "reading the node folders of", dataDirectory)) { self.look(record) }
    }

    private func look(_ record: Record?) -> Outcome {
        let askedAt = now()
        let extra =
            (record?.members.map(\.directory) ?? []) + spec.nodesOwnFolders
        let directories = NodeFiles.survey(dataDirectory: dataDirectory, extra: extra)
        rememberCredentials(directories)
        for file in directories.compactMap(\.redisConf) { transports.note(file) }
        return .surveyed(
            Observation.Survey(
                askedAt: askedAt, directories: directories, record: record, server: spec.server, bootID: bootID))
    }

    func write(_ order: Effect.NodeFilesToWrite) async -> Outcome {
        await change(.init(order.directory, "writing to", order.directory)) { [self] () throws(FileError) in
            if let file = order.nodesFile {
                try writeDurably(
                    file.rendered(for: order.engine ?? engine.engine),
                    to: order.directory + "/" + order.nodesFileName, mode: 0o600, owner: owner)
            }
            let conf = order.directory + "/redis.conf"
            do throws(FileError) {
                try writeDurably(order.redisConf, to: conf, mode: 0o600, owner: owner)
            } catch {
                // On a full disk, a node starts with the existing files, if they are up to date.
                guard error.isOutOfSpace, (try? readFile(conf, limit: order.redisConf.count)) == order.redisConf else {
                    throw error
                }
            }
            transports.note(RedisConfFacts(fileName: "redis.conf", order.redisConf))
        }
    }

    func reserve(_ pairs: [PortPair], _ addresses: [String]) -> Outcome {
        var states: [PortPair: Outcome.Taken?] = [:]
        for pair in pairs {
            if reservations.withLock({ $0[pair] != nil }) {
                states.updateValue(nil, forKey: pair)
                continue
            }
            do {
                let reservation = try PortReservation.reserve(pair, addresses: addresses)
                reservations.withLock { $0[pair] = reservation }
                states.updateValue(nil, forKey: pair)
            } catch {
                switch error {
                case .busy(let port, let address):
                    let holder = PortHolder.of(port: port, address: address)
                    states[pair] = taken(
                        port, pair, holder.sentence(port: port), holder.pid.map { .process(pid: $0) } ?? .hidden)
                case .promised(let port):
                    states[pair] = taken(port, pair, PortHolder.ofPromise(port: port).sentence(port: port), .other)
                case .unusable: return .failed(error.description)
                }
            }
        }
        return .reserved(states)
    }

    private func taken(
        _ port: Int, _ pair: PortPair, _ sentence: String, _ holder: Observation.PortHolderFact
    ) -> Outcome.Taken {
        guard port == pair.bus else { return .init(port: port, sentence: sentence, holder: holder) }
        return .init(
            port: port, sentence: "\(sentence), and \(port) is the bus port of \(pair.client)", holder: holder)
    }

    func release(_ pairs: [PortPair]) -> Outcome {
        reservations.withLock { held in for pair in pairs { held[pair] = nil } }
        return .done
    }
}
