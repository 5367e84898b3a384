import Testing

/// The layers: which target may import which. Dependencies go down only, and value targets do no I/O.
@Suite struct FloorTests {
    static let values: [String: Set<String>] = [
        "ClusterModel": [],
        "Planner": ["ClusterModel"],
        "ClusterConfiguration": ["ClusterModel", "CYAML"],
        "RESP": [],
        "ControlAPI": ["ClusterModel"],
        "StatusView": ["ControlAPI", "ClusterModel"],
    ]
    static let hands: [String: Set<String>] = [
        "RedisClient": ["RESP", "ClusterModel", "NIOCore", "NIOPosix", "NIOSSL"],
        "ProcessSupervision": ["CProcess", "ClusterModel"],
        "NodeFiles": ["ClusterModel"],
        "Systemd": ["CSystemd"],
        "ControlServer": ["ControlAPI", "NIOCore", "NIOPosix", "NIOHTTP1"],
        "ControlClient": ["ControlAPI", "ClusterModel"],
    ]
    static let loop: [String: Set<String>] = [
        "Orchestrator": ["Planner", "ControlAPI", "ClusterModel"],
        "HostDriver": [
            "Orchestrator", "Planner", "ControlAPI", "ClusterModel", "RedisClient", "RESP", "ProcessSupervision",
            "NodeFiles", "NIOPosix",
        ],
    ]
    /// All targets may import these; value targets may not import Glibc.
    static let always: Set<String> = ["Synchronization", "Glibc", "FoundationEssentials"]

    @Test(arguments: ["ClusterModel", "Planner", "ClusterConfiguration", "RESP", "ControlAPI", "StatusView"])
    func valueTargetsImportNoClockSocketOrFile(target: String) throws {
        let allowed = try #require(Self.values[target])
        // JSON is text: ControlAPI has its coder from FoundationEssentials.
        let library: Set<String> = target == "ControlAPI" ? ["FoundationEssentials"] : []
        for file in SourceTree.files(in: "Sources/\(target)") {
            let foreign = file.imports.subtracting(allowed).subtracting(library)
            #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted())")
        }
    }

    @Test func everyOtherTargetImportsOnlyWhatItsFloorAllows() {
        for (target, allowed) in Self.hands.merging(Self.loop, uniquingKeysWith: { $1 }) {
            for file in SourceTree.files(in: "Sources/\(target)") {
                let foreign = file.imports.subtracting(allowed).subtracting(Self.always)
                #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted())")
            }
        }
    }

    @Test func everyTargetHasItsFloor() {
        let known = Set(Self.values.keys).union(Self.hands.keys).union(Self.loop.keys)
        for file in SourceTree.files(in: "Sources") where file.target != "clusterd" {
            #expect(known.contains(file.target), "\(file.path)")
        }
    }

    /// Foundation costs 44 MB and 4 ms at every start of a command.
    @Test func noShippedTargetImportsFoundation() {
        for file in SourceTree.files(in: "Sources") { #expect(!file.imports.contains("Foundation"), "\(file.path)") }
    }

    @Test func thePlannerUsesNoClockNoRandomnessAndNoWait() {
        for file in SourceTree.files(in: "Sources/Planner") + SourceTree.files(in: "Sources/ClusterModel") {
            for (index, line) in file.code.enumerated() {
                for word in ["ContinuousClock", "SuspendingClock", ".random(in:", "SystemRandom", "await ", " async"] {
                    let isSeeded = line.contains("using: &")
                    #expect(!line.contains(word) || isSeeded, "\(file.path):\(index + 1): \(line)")
                }
            }
        }
    }
}
