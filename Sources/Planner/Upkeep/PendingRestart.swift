import ClusterModel

/// What a node would have after a restart and does not have now: directives of its redis.conf that were changed in the configuration since
/// it was started and that it does not have live either, and `engine` if another version of the server would run.
package func pendingRestart(of member: Member, _ spec: ClusterSpec, seeing seen: Observation) -> [String] {
    guard let report = seen.report(member.name),
        let started = seen.redisConf(of: member), started.isGenerated
    else { return [] }
    let plan = RedisConfPlan(
        spec, name: member.name, settingsName: member.settingsName, ports: member.ports, directory: member.directory,
        nodesFileName: member.nodesFileName, fileNames: member.fileNames, engine: seen.engine)
    let planned = RedisConfFile(plan.bytes)
    let live = seen.check.settings[member.name].flatMap { $0.of.pid == report.processID ? $0.values : nil } ?? [:]
    var names: [String] = []
    for name in Set((planned.directives + started.directives).map(\.name)).sorted() {
        func lines(_ directives: [RedisConfFile.Directive]) -> [[String]] {
            directives.filter { $0.name == name }.map(\.arguments)
        }
        let wanted = lines(planned.directives)
        // A node may start with a temporary value, and gets the configured one as soon as it runs.
        guard name != "appendonly", wanted != lines(started.directives) else { continue }
        if let value = live[name], SettingValue.isSame(name, SettingValue.joined(wanted), live: value) { continue }
        names.append(name)
    }
    let engine = seen.check.inspection?.engine ?? seen.engine
    // Another program may be the same version.
    let isOther = member.startedFrom.map { $0 != spec.server } ?? false
    return report.engine == engine && !isOther ? names : names + ["engine"]
}
