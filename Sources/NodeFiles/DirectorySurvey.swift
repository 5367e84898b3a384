import ClusterModel
import Glibc

/// Surveys every folder that is or may be a node's: below `nodes/`, laid out by hand as `<data>/7000/` or under another name, the
/// data folder itself if it has a node's files, and `extra`. Reads only, and only the beginning of large files. Reports an extra
/// folder that does not exist as such. Files that cannot be read count as keys (invariant: unknown-is-data).
package func survey(dataDirectory: String, extra: [String] = []) -> [DirectoryFacts] {
    let ours = numbered((try? listDirectory(dataDirectory + "/nodes")) ?? []).map { "\(dataDirectory)/nodes/\($0)" }
    let byHand = numbered((try? listDirectory(dataDirectory)) ?? [])
        .filter { $0 != "nodes" && $0 != "quarantine" }
        .filter { isLaidOutByHand("\(dataDirectory)/\($0)", isPort: Int($0).map { (1...65535).contains($0) } ?? false) }
        .map { "\(dataDirectory)/\($0)" }
    var paths = (ours + byHand).filter(isDirectory)
    for path in extra where !paths.contains(path) { paths.append(path) }
    var found = paths.map(directoryFacts)
    if !paths.contains(dataDirectory), isLaidOutByHand(dataDirectory, isPort: false) {
        var root = directoryFacts(dataDirectory)
        root.isDataFolder = true
        found.append(root)
    }
    return found
}

/// The names of node folders in the order of their numbers, without hidden ones.
private func numbered(_ names: [String]) -> [String] {
    names.filter { !$0.hasPrefix(".") }.sorted { NodeName($0) < NodeName($1) }
}

/// Whether a folder has files of an engine. An unreadable folder counts if it is named after a port.
private func isLaidOutByHand(_ path: String, isPort: Bool) -> Bool {
    guard isDirectory(path) else { return false }
    guard let names = try? listDirectory(path) else { return isPort }
    return names.contains { name in
        name == "redis.conf" || name.hasPrefix("appendonlydir") || name.hasSuffix(".rdb") || name.hasSuffix(".aof")
            || isNodesFileName(name)
    }
}

/// The facts about one folder.
package func directoryFacts(_ path: String) -> DirectoryFacts {
    var facts = DirectoryFacts(path: path)
    do throws(FileError) {
        guard let status = try status(path) else { return facts }
        facts.exists = true
        facts.ownerUserID = status.st_uid
        facts.modified = status.modified
        facts.writable = access(path, W_OK | X_OK) == 0
        facts.freeBytes = freeBytes(path)
        let names = try listDirectory(path)
        facts.redisConf = try redisConf(in: path, names)
        facts.nodesFileName = nodesFileName(in: path, names, facts.redisConf)
        if let name = facts.nodesFileName {
            // Valid files are about 150 bytes a node and at most 100 KB of slots.
            facts.nodesFile = NodesFileState(try readFile("\(path)/\(name)", limit: 16 << 20))
        }
        let data = DataSurvey(folder: path, names: names, besides: [facts.nodesFileName, facts.redisConf?.fileName])
        facts.dataNames =
            facts.redisConf?.dataNames ?? DataFileNames(guessedFrom: names, manifests: data.manifests)
        facts.content = data.content(facts.dataNames)
    } catch {
        // A folder that cannot be read may hold anything.
        facts.content.trouble = error.description
        if facts.nodesFileName != nil, facts.nodesFile == .absent { facts.nodesFile = .corrupt(error.description) }
    }
    return facts
}

/// The free space for this user on the file system of a path, in bytes; nil if unknown.
private func freeBytes(_ path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(
        clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
}

private func isNodesFileName(_ name: String) -> Bool {
    name == "nodes.conf" || (name.hasPrefix("nodes-") && name.hasSuffix(".conf"))
}

private func redisConf(in path: String, _ names: [String]) throws(FileError) -> RedisConfFacts? {
    let number = splitPath(path).name
    let usual = ["redis.conf", "valkey.conf", "redis-\(number).conf", "valkey-\(number).conf", "\(number).conf"]
    guard let name = usual.first(where: names.contains) else { return nil }
    return RedisConfFacts(fileName: name, try readFile("\(path)/\(name)", limit: 4 << 20))
}

/// The nodes.conf of a folder: the one that redis.conf names, else the one with the folder's number, else `nodes.conf`, else any.
private func nodesFileName(in path: String, _ names: [String], _ conf: RedisConfFacts?) -> String? {
    if let named = conf?.clusterConfigFile, names.contains(named) { return named }
    for usual in ["nodes-\(splitPath(path).name).conf", "nodes.conf"] where names.contains(usual) { return usual }
    return names.first(where: isNodesFileName)
}
