internal import OAP
public import Telemetry

/// The worker's series: their names, and the cell of each. Built once; every worker's bank has this schema.
public struct GatewayMetrics: Sendable {
    /// `app` as a bounded label.
    public enum App: Int, CaseIterable, Sendable {
        case control, index, other

        var label: String {
            switch self {
            case .control: "control"
            case .index: "index"
            case .other: "other"
            }
        }

        @inline(__always)
        init(_ application: UInt16) {
            switch application {
            case Application.index: self = .index
            case Application.control: self = .control
            default: self = .other
            }
        }
    }

    /// Why a connection ended.
    public enum CloseReason: String, CaseIterable, Sendable {
        case peer, error, refused, idle = "idle_timeout", read = "read_timeout", slowReader = "slow_reader"
        case drain, memory, connectionsMax = "connections_max"
        /// The process had no descriptor left for it.
        case descriptors
        /// The process is pressed so hard that it takes no more connections.
        case pressure
        /// More connections came than `GatewayLimits.acceptRate` lets in.
        case acceptRate = "accept_rate"
        /// Its source address has as many connections open as it may.
        case sourceConnections = "source_connections"
        /// New connections of its source address come faster than they may.
        case sourceRate = "source_rate"
    }

    static let statuses: [UInt16] = [200, 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 503]
    /// 10 µs to 10 s: a resolve from memory takes tens of microseconds, a deadline seconds.
    static let latencyBoundariesNanoseconds: [UInt64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

    /// Nothing, and then the latencies that a queue may add.
    static let waitBoundariesNanoseconds: [UInt64] = [
        1, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 1_000_000_000,
    ]

    public let schema: MetricSchema
    let requests: Int
    let rejected: Int
    let quota: Int
    let latency: InlineArray<3, HistogramCells>
    let admissionWait: HistogramCells
    public let waiting: Int
    public let bytesIn: Int
    public let bytesOut: Int
    public let connections: Int
    public let connectionsAccepted: Int
    let connectionsClosed: Int
    public let turns: Int
    public let systemCalls: Int
    public let buffersExhausted: Int
    public let turnSharesSpent: Int
    public let indexFailures: Int
    /// Of a gateway that forwards; nil otherwise.
    public let backend: BackendMetrics?

    /// - Parameter backend: what its failures and losses are called; nil for a gateway that forwards nothing.
    public init(backend: BackendMetrics.Labels? = nil) {
        var schema = MetricSchema()
        self.requests = schema.counter(
            "requests_total", help: "Requests answered, by application and status.",
            series: App.allCases.flatMap { app in
                Self.statuses.map { [MetricLabel("app", app.label), MetricLabel("status", String($0))] }
            })
        let latency = schema.histogram(
            "latency_seconds", help: "From a request's arrival to its answer in the connection's output.",
            boundariesNanoseconds: Self.latencyBoundariesNanoseconds,
            series: App.allCases.map { [MetricLabel("app", $0.label)] })
        self.latency = [latency[0], latency[1], latency[2]]
        self.admissionWait =
            schema.histogram(
                "admission_wait_seconds", help: "How long admitted requests waited for a permit.",
                boundariesNanoseconds: Self.waitBoundariesNanoseconds)[0]
        self.waiting = schema.gauge("requests_waiting", help: "Requests that wait for a permit now.")
        self.rejected = schema.counter(
            "rejected_total", help: "Requests and frames refused, by error code.",
            series: ErrorCode.allCases.map { [MetricLabel("reason", $0.name)] })
        self.quota = schema.counter(
            "quota_exhaustions_total", help: "Requests refused because a token bucket was empty.",
            series: QuotaScope.allCases.map { [MetricLabel("scope", $0.rawValue)] })
        self.bytesIn = schema.counter("bytes_in_total", help: "Bytes received from clients.")
        self.bytesOut = schema.counter("bytes_out_total", help: "Bytes sent to clients.")
        self.connections = schema.gauge("connections", help: "Client connections open now.")
        self.connectionsAccepted = schema.counter("connections_accepted_total", help: "Client connections accepted.")
        self.connectionsClosed = schema.counter(
            "connections_closed_total", help: "Client connections ended, by reason.",
            series: CloseReason.allCases.map { [MetricLabel("reason", $0.rawValue)] })
        self.turns = schema.counter("loop_turns_total", help: "Turns of the workers' event loops.")
        self.systemCalls = schema.counter(
            "loop_system_calls_total", help: "System calls made by the workers' event loops.")
        self.buffersExhausted = schema.counter(
            "receive_buffers_exhausted_total", help: "Receives that paused because no receive buffer was free.")
        self.turnSharesSpent = schema.counter(
            "turn_shares_spent_total",
            help: "Times that a connection had sent more than its share of a turn and had to wait for the next.")
        self.indexFailures = schema.counter("index_failures_total", help: "Lookups that the index failed to answer.")
        self.backend = backend.map { BackendMetrics($0, &schema) }
        self.schema = schema
    }

    /// The cell of `requests_total` for an answer with this status.
    @inline(__always)
    func request(_ app: App, status: UInt16) -> Int {
        let row = self.requests + app.rawValue * Self.statusesCount
        if status == 200 { return row }
        return row + Self.offset(ofStatus: status)
    }

    private static let statusesCount = 12

    private static func offset(ofStatus status: UInt16) -> Int {
        switch status {
        case 400: 1
        case 401: 2
        case 402: 3
        case 403: 4
        case 404: 5
        case 408: 6
        case 409: 7
        case 413: 8
        case 429: 9
        case 503: 11
        default: 10
        }
    }

    /// The cell of `rejected_total`; nil for results that are no refusals.
    func rejection(_ code: ErrorCode) -> Int? {
        switch code {
        case .notFound, .etagMismatch: nil
        default: self.rejected + Int(code.rawValue)
        }
    }

    func quotaExhausted(_ scope: QuotaScope) -> Int { self.quota + scope.index }

    func closed(_ reason: CloseReason) -> Int {
        self.connectionsClosed + (CloseReason.allCases.firstIndex(of: reason) ?? 0)
    }
}
