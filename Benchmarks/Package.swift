// swift-tools-version: 6.1
import PackageDescription

// Measures the program as it was built, from outside: it depends on nothing of it, and builds in seconds.
let package = Package(
    name: "Benchmarks",
    targets: [.executableTarget(name: "clusterd-bench")],
    swiftLanguageModes: [.v6]
)
