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
]

/// A room: a library target whose arrows are exactly `imports`; Tests/TidyTests holds the directions.
func room(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: strict)
}

/// The tests of one room, named after it.
func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: imports, swiftSettings: strict)
}


let package = Package(
    name: "svc-gateway",
    targets: [
        .systemLibrary(name: "CLibURing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .target(name: "CIngress", dependencies: ["CLibURing"], cSettings: [.define("_GNU_SOURCE")]),
        room("OAP"),
        room("Admission"),
        room("Telemetry"),
        room("Reactor", ["CIngress"]),
        room("IndexStore", ["CLMDB", "OAP"]),
        room("Gateway", ["OAP", "Admission", "Telemetry"]),
        room("GatewayRuntime", ["Reactor", "Gateway", "OAP", "Admission", "Telemetry", "IndexStore"]),
        tests("OAPTests", ["OAP"]),
        tests("AdmissionTests", ["Admission"]),
        tests("TelemetryTests", ["Telemetry"]),
    ],
    cxxLanguageStandard: .cxx17
)
