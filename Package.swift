// swift-tools-version: 6.2
import PackageDescription

/// One strict set for every Swift target. `Lifetimes` is experimental and is what lets a span borrowed from a lent
/// buffer be returned by a function without `unsafe`.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // A frame passes five rooms; without this each small function on its way is a call through an opaque ABI. It takes an
    // eighth off a pipelined resolve.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// A room: a library target whose arrows are exactly `imports`; Tests/TidyTests holds the directions.
func room(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: strict)
}

/// The tests of one room, named after it.
func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: imports, swiftSettings: strict)
}

/// What `/version` and the banner name. The Makefile sets it: SwiftPM caches what a manifest says of the checkout,
/// and a stale commit is worse than none.
let commit = Context.environment["GATEWAY_COMMIT"] ?? "unknown"

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let flyingFox: Target.Dependency = .product(name: "FlyingFox", package: "FlyingFox")
let flyingSocks: Target.Dependency = .product(name: "FlyingSocks", package: "FlyingFox")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "svc-gateway",
    products: [
        .executable(name: "svc-gateway", targets: ["svc-gateway"]),
        .executable(name: "ronctl", targets: ["ronctl"]),
        .executable(name: "oap-bench", targets: ["oap-bench"]),
        // For Benchmarks/, a package of its own.
        .library(
            name: "GatewayRooms",
            targets: [
                "OAP", "Admission", "Telemetry", "Forwarding", "Reactor", "IndexStore", "Gateway", "GatewayRuntime",
            ]),
        .library(name: "GatewayTesting", targets: ["GatewayTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.0")),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.1.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibURing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .target(name: "CTOML"),
        .target(
            name: "CBuildInfo", cSettings: [.define("GATEWAY_COMMIT", to: "\"\(commit)\"")]),
        .target(name: "CIngress", dependencies: ["CLibURing"], cSettings: [.define("_GNU_SOURCE")]),

        room("OAP"),
        room("Admission"),
        room("Telemetry"),
        room("Forwarding", ["OAP"]),
        room("Reactor", ["CIngress"]),
        room("IndexStore", ["CLMDB", "OAP"]),
        room("Gateway", ["OAP", "Admission", "Telemetry"]),
        room("GatewayRuntime", ["Reactor", "Gateway", "Forwarding", "OAP", "Admission", "Telemetry", "IndexStore"]),
        room("Settings", ["CTOML", argumentParser]),
        room("ControlProtocol"),
        room(
            "ControlPlane",
            [
                "GatewayRuntime", "Gateway", "Admission", "OAP", "Reactor", "IndexStore", "Telemetry", "Settings",
                "ControlProtocol", "CBuildInfo", logging, flyingFox, flyingSocks,
            ]),
        room("Terminal", ["Reactor", argumentParser]),
        room("LoadReport", ["Terminal", histogram]),
        room("LoadGeneration", ["OAP", "Reactor", "LoadReport", histogram]),
        room(
            "GatewayTesting",
            ["GatewayRuntime", "Gateway", "Forwarding", "Reactor", "OAP", "Admission", "Telemetry", "IndexStore"]),

        .executableTarget(
            name: "svc-gateway",
            dependencies: ["ControlPlane", "Settings", argumentParser],
            swiftSettings: strict),
        .executableTarget(
            name: "ronctl",
            dependencies: [
                "Settings", "OAP", "Reactor", "IndexStore", "Terminal", "ControlProtocol", argumentParser, flyingSocks,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "oap-bench",
            dependencies: [
                "OAP", "Reactor", "Settings", "Terminal", "LoadReport", "LoadGeneration", argumentParser, histogram,
            ],
            exclude: ["oap-bench.1"],
            swiftSettings: strict),

        tests("OAPTests", ["OAP", "GatewayTesting"]),
        tests("AdmissionTests", ["Admission", "GatewayTesting"]),
        tests("ForwardingTests", ["Forwarding", "OAP", "GatewayTesting"]),
        tests("TelemetryTests", ["Telemetry"]),
        tests("ReactorConformanceTests", ["Reactor", "GatewayTesting"]),
        // The tool is the second process that writes beside a reader.
        tests("IndexStoreTests", ["IndexStore", "OAP", "ronctl"]),
        tests("GatewayTests", ["Gateway", "OAP", "Admission", "Telemetry", "GatewayTesting"]),
        tests(
            "GatewayRuntimeTests",
            ["GatewayRuntime", "Gateway", "Forwarding", "OAP", "Reactor", "Admission", "Telemetry", "GatewayTesting"]),
        tests("SettingsTests", ["Settings", "CTOML", argumentParser]),
        tests("ControlPlaneTests", ["ControlPlane", "Settings", logging, flyingSocks]),
        tests(
            "EndToEndTests",
            [
                "svc-gateway", "ronctl", "oap-bench", "GatewayTesting", "GatewayRuntime", "Reactor", "LoadReport",
                argumentParser,
            ]),
        tests("LoadReportTests", ["LoadReport", "Terminal", histogram]),
        tests(
            "LoadGenerationTests",
            [
                "LoadGeneration", "LoadReport", "OAP", "Reactor", "Admission", "GatewayRuntime", "GatewayTesting",
                histogram,
            ]),
        tests("TidyTests", []),
    ],
    cxxLanguageStandard: .cxx17
)
