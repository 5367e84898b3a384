// swift-tools-version: 6.1
import PackageDescription

let nio = "swift-nio"

// How the program is linked (docs/performance.md, Size). It has no plugins, so no symbol of it is looked up by name: the table of
// its symbols is left out. Packed relocations need glibc 2.36, as the program itself does; they are fewer pages to read at each
// start. Only lld, which is part of Swift, can pack them on every distribution.
let smallProgram = [
    "-use-ld=lld", "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
    "-Xlinker", "--compress-debug-sections=zlib",
]

let package = Package(
    name: "clusterd",
    products: [
        .executable(name: "clusterd", targets: ["clusterd"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    ],
    targets: [
        // Values: no clock, no socket, no file.
        .target(name: "ClusterModel"),
        .target(name: "Planner", dependencies: ["ClusterModel"]),
        .target(name: "ClusterConfiguration", dependencies: ["ClusterModel", "CYAML"]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "RESP"),
        .target(name: "ControlAPI", dependencies: ["ClusterModel"]),
        .target(name: "StatusView", dependencies: ["ControlAPI", "ClusterModel"]),

        // Hands: one kind of I/O each, none knows the others.
        .target(
            name: "RedisClient",
            dependencies: [
                "RESP", "ClusterModel", .product(name: "NIOCore", package: nio),
                .product(name: "NIOPosix", package: nio), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(name: "ProcessSupervision", dependencies: ["ClusterModel", "CProcess"]),
        .target(name: "CProcess"),
        .target(name: "NodeFiles", dependencies: ["ClusterModel"]),
        .target(name: "Systemd", dependencies: ["CSystemd"]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .target(
            name: "ControlServer",
            dependencies: [
                "ControlAPI", .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
                .product(name: "NIOHTTP1", package: nio),
            ]),
        .target(name: "ControlClient", dependencies: ["ControlAPI", "ClusterModel"]),

        // Loop.
        .target(name: "Orchestrator", dependencies: ["Planner", "ControlAPI", "ClusterModel"]),
        .target(
            name: "HostDriver",
            dependencies: [
                "Orchestrator", "Planner", "ControlAPI", "ClusterModel", "RedisClient", "RESP", "ProcessSupervision",
                "NodeFiles",
                .product(name: "NIOPosix", package: nio),
            ]),
        .executableTarget(
            name: "clusterd",
            dependencies: [
                "ClusterModel", "Planner", "ClusterConfiguration", "ControlAPI", "ControlClient", "ControlServer",
                "HostDriver", "NodeFiles", "Orchestrator", "ProcessSupervision", "RedisClient", "StatusView", "Systemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOPosix", package: nio),
            ],
            linkerSettings: [.unsafeFlags(smallProgram, .when(configuration: .release))]),

        // Tests.
        .testTarget(
            name: "LayoutTests", dependencies: ["ClusterConfiguration", "ClusterModel", "Orchestrator", "Planner"]),
        .testTarget(name: "ClusterModelTests", dependencies: ["ClusterModel"]),
        .target(
            name: "Simulation", dependencies: ["Orchestrator", "Planner", "ClusterModel"], path: "Tests/Simulation"),
        .executableTarget(
            name: "clusterd-sim",
            dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Tests/clusterd-sim"),
        .executableTarget(
            name: "decide-bench",
            dependencies: [
                "ClusterModel", "Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/decide-bench"),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Orchestrator", "Planner", "ClusterModel"]),
        .testTarget(name: "ClusterConfigurationTests", dependencies: ["ClusterConfiguration", "ClusterModel"]),
        .testTarget(name: "RESPTests", dependencies: ["RESP"]),
        .testTarget(
            name: "OrchestratorTests", dependencies: ["Orchestrator", "Planner", "ControlAPI", "ClusterModel"]),
        .testTarget(name: "PlannerTests", dependencies: ["Planner", "ClusterModel"], exclude: ["Scripts"]),
        .testTarget(
            name: "StatusViewTests", dependencies: ["StatusView", "ControlAPI", "ClusterModel"], exclude: ["Golden"]),
        .testTarget(name: "ControlAPITests", dependencies: ["ControlAPI", "ClusterModel"]),
        .testTarget(
            name: "ControlServerTests",
            dependencies: [
                "ControlAPI", "ControlServer", "ControlClient", .product(name: "NIOPosix", package: nio),
            ]),
        .testTarget(name: "NodeFilesTests", dependencies: ["NodeFiles", "ClusterModel"]),
        .testTarget(name: "ProcessSupervisionTests", dependencies: ["ProcessSupervision", "ClusterModel"]),
        .testTarget(name: "SystemdTests", dependencies: ["Systemd"]),
        .testTarget(name: "CommandTests", dependencies: ["clusterd", "ControlAPI", "ClusterModel", "NodeFiles"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "clusterd", "ClusterModel", "ControlAPI", "ControlClient", "HostDriver", "ProcessSupervision", "RESP",
                "RedisClient",
                .product(name: "NIOPosix", package: nio),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
