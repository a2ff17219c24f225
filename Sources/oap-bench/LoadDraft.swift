import LoadGeneration
import LoadReport

/// What somebody has asked for, from the weakest source to the strongest; nil is what nobody has said.
struct LoadDraft: Sendable {
    // The server and the connections to it.
    var server: String?
    var connections: Int?
    var depth: Int?
    var threads: Int?
    var io: String?
    var timeoutMilliseconds: Int?

    // The load.
    var isClosed: Bool?
    var rate: Double?
    var arrival: String?
    var burst: Int?
    var rampFrom: Double?
    var rampMilliseconds: Int?
    var durationMilliseconds: Int?
    var warmupMilliseconds: Int?
    var seed: Int?

    // The requests.
    var workload: String?
    var keys: String?
    var keyCount: Int?
    var keyFormat: String?
    var keyChoice: String?
    var zipfExponent: Double?
    var hitRatio: Double?
    var keysPerRequest: Int?
    var payloadBytes: Int?
    var tenants: Int?
    var churn: Int?
    var idleConnections: Int?
    var expect: [Int]?

    // The verdict.
    var thresholds: [Threshold]?
    var isAbortedOnFail: Bool?
    var scheduleLagMaxMilliseconds: Int?
    /// What a search for the highest rate has to hold.
    var objectives: [Threshold]?
}

/// What holds when nobody says anything.
enum LoadDefaults {
    static let server = "127.0.0.1:9444"
    static let serverVariable = "SVC_GATEWAY_ADDR"
    static let rate = 500.0
    static let connections = 50
    /// With 50 connections 800 in flight, less than a gateway takes by default (its oap_concurrency), so that a backlog
    /// waits here, where its latency is counted, and is not refused there.
    static let depthOpen = 16
    static let depthClosed = 1
    static let burst = 50
    static let durationMilliseconds = 10_000
    static let warmupOpenMilliseconds = 2_000
    static let warmupClosedMilliseconds = 0
    static let timeoutMilliseconds = 5_000
    static let workload = Workload.resolve
    static let zipfExponent = 0.99
    static let keysPerRequest = 16
}
