import HostDriver

enum VersionReport {
    static func print() {
        Output.result("clusterd \(Clusterd.programVersion)")
        do {
            let program = try EngineProgram.find("redis-server")
            Output.result("engine   \(program.engine) (\(program.path))")
        } catch {
            Output.result("engine   none: \(error.message)")
        }
    }
}
