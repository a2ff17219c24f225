// swift-tools-version: 6.2
import PackageDescription

/// As in the gateway's own manifest.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "Benchmarks",
    products: [
        .executable(name: "microbench-count", targets: ["microbench-count"]),
        .executable(name: "admission-proof", targets: ["admission-proof"]),
        .executable(name: "slow-index-gateway", targets: ["slow-index-gateway"]),
        .executable(name: "permit-proof", targets: ["permit-proof"]),
    ],
    dependencies: [
        .package(name: "svc-gateway", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // Without its traits: their interposers are libraries of their own, and what they count is counted here by others.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
    ],
    targets: [
        // What is measured, each a closure; both executables below run the same ones.
        .target(
            name: "Microbenchmarks",
            dependencies: [.product(name: "GatewayRooms", package: "svc-gateway")],
            swiftSettings: strict),
        // Runs one of them so many times: perf/microbench.py counts what that costs. Builds without ordo-one/benchmark.
        .executableTarget(name: "microbench-count", dependencies: ["Microbenchmarks"], swiftSettings: strict),
        // What `make overload` loads when permits are to be the limit.
        .executableTarget(
            name: "slow-index-gateway",
            dependencies: [
                .product(name: "GatewayRooms", package: "svc-gateway"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        // Two threads against the concurrency limit, a thousand million times, for `make overload`.
        .executableTarget(
            name: "permit-proof",
            dependencies: [
                .product(name: "GatewayRooms", package: "svc-gateway"),
                .product(name: "GatewayTesting", package: "svc-gateway"),
            ],
            swiftSettings: strict),
        // Two threads against the quotas, a hundred million times, for `make overload`.
        .executableTarget(
            name: "admission-proof",
            dependencies: [.product(name: "GatewayTesting", package: "svc-gateway")],
            swiftSettings: strict),
        // `make microbench`: wall-clock and processor time.
        .executableTarget(
            name: "Micro",
            dependencies: ["Microbenchmarks", .product(name: "Benchmark", package: "benchmark")],
            path: "Micro",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
