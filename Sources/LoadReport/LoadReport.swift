/// What a load run has measured: the one value that every form of report shows and that two runs are compared by.
///
/// Encoded as JSON it is the published schema `schemaCurrent`: members are only ever added under one number, and times
/// are in microseconds unless a name says otherwise. Lists are bounded by the plan: one interval for each second up to
/// `intervalsMax`, one bucket for each distinct latency at three digits.
public struct LoadReport: Codable, Equatable, Sendable {
    /// Name and number of the schema.
    public static let schemaCurrent = "oap-bench-report/1"
    /// Intervals of a longer run take several seconds each, so that the list and the memory it takes are bounded.
    public static let intervalsMax = 3600

    public var schema = Self.schemaCurrent
    public var tool: Tool
    public var environment: Environment
    public var plan: Plan
    /// UTC, ISO 8601 with seconds: when the first measured request was due.
    public var startedAt: String
    public var outcome: Outcome
    /// From the moment a request was due to its answer: what a user waits who does not wait for others. Of answers
    /// with an expected status only.
    public var latency: Latency
    /// From the send to the answer. In a closed loop, where a request is due when it is sent, the same as `latency`.
    public var serviceTime: Latency
    /// From the moment a request was due to its send: the generator's own delay, or that of its limit in flight.
    public var scheduleLag: Latency
    /// From the begin of a connect to the moment the connection was there; nil unless the plan replaces connections.
    public var connectTime: Latency?
    public var generator: Generator
    /// By status and code, ascending.
    public var statuses: [StatusCount]
    /// Why connections were lost.
    public var losses: [LossCount]
    public var series: [Interval]
    public var thresholds: [ThresholdResult]
    public var verdict: Verdict

    public init(
        tool: Tool, environment: Environment, plan: Plan, startedAt: String, outcome: Outcome, latency: Latency,
        serviceTime: Latency, scheduleLag: Latency, generator: Generator, statuses: [StatusCount], losses: [LossCount],
        series: [Interval], thresholds: [ThresholdResult], verdict: Verdict
    ) {
        self.tool = tool
        self.environment = environment
        self.plan = plan
        self.startedAt = startedAt
        self.outcome = outcome
        self.latency = latency
        self.serviceTime = serviceTime
        self.scheduleLag = scheduleLag
        self.generator = generator
        self.statuses = statuses
        self.losses = losses
        self.series = series
        self.thresholds = thresholds
        self.verdict = verdict
    }
}

extension LoadReport {
    public struct Tool: Codable, Equatable, Sendable {
        public var name = "oap-bench"
        public var version: String

        public init(version: String) { self.version = version }
    }

    /// The machine that the generator ran on.
    public struct Environment: Codable, Equatable, Sendable {
        public var architecture = ""
        public var kernel = ""
        public var processor = ""
        public var processorsCount = 0
        public var memoryBytes: UInt64 = 0
        /// The generator's own: `io_uring` or `epoll`.
        public var loop = ""

        public init() {}
    }

    /// What was asked for.
    public struct Plan: Codable, Equatable, Sendable {
        public enum Mode: String, Codable, Sendable {
            case open
            case closed
        }

        public var mode = Mode.open
        /// HOST:PORT of the server.
        public var server = ""
        public var workload = ""
        /// Of a scenario file; nil without one.
        public var scenario: String?
        /// Requests a second at the end of the ramp; nil in a closed loop.
        public var rate: Double?
        /// `constant`, `poisson` or `burst`; nil in a closed loop.
        public var arrival: String?
        /// Requests that are due at once; nil unless `arrival` is `burst`.
        public var burst: Int?
        /// Requests a second at the start of the ramp, and its length; nil without one.
        public var rampFromRate: Double?
        public var rampSeconds: Double?
        public var connections = 0
        /// Most requests in flight on one connection.
        public var depth = 0
        /// Requests after which a connection is replaced; nil when it is kept.
        public var requestsPerConnection: Int?
        /// Held open beside `connections` and carrying nothing.
        public var idleConnections = 0
        public var threads = 0
        public var tenants = 0
        /// `uniform` or `zipf(EXPONENT)`; nil without tenants.
        public var tenantChoice: String?
        public var keys = 0
        /// `uniform` or `zipf(EXPONENT)`; nil when the workload has no keys, as is the next one.
        public var keyChoice: String?
        /// Share of keys that are in the index.
        public var hitRatio: Double?
        /// Of one resolve many; nil for other workloads.
        public var keysPerRequest: Int?
        /// Of one PING; nil for other workloads.
        public var payloadBytes: Int?
        public var seed: UInt64 = 0
        public var warmupSeconds = 0.0
        /// How late 99 % of the requests were allowed to leave although a slot was free; nil for the generator's own limits.
        public var scheduleLagMaxSeconds: Double?
        public var durationSeconds = 0.0
        /// Statuses that count as success.
        public var expectedStatuses: [Int] = [200]

        public init() {}
    }

    /// Counts over the measured time, without warm-up.
    public struct Outcome: Codable, Equatable, Sendable {
        /// From the first request due to the last answer.
        public var elapsedSeconds = 0.0
        /// Requests that were due.
        public var requestsDue: UInt64 = 0
        public var requestsSent: UInt64 = 0
        public var answers: UInt64 = 0
        /// Answers with an expected status and a valid payload.
        public var successes: UInt64 = 0
        /// Everything that was due and is no success: unexpected statuses, invalid answers, requests without an answer,
        /// requests that were never sent.
        public var errors: UInt64 = 0
        public var unanswered: UInt64 = 0
        /// Requests that were due and never sent, because the run ended or no connection was left.
        public var unsent: UInt64 = 0
        public var invalidAnswers: UInt64 = 0
        public var unexpectedFrames: UInt64 = 0
        /// Connections that were begun in mid-run, because the plan replaces them.
        public var connects: UInt64 = 0
        public var connectionsLost: UInt64 = 0
        public var goAways: UInt64 = 0
        public var answersPerSecond = 0.0
        public var inFlightMean = 0.0
        /// Exact with one thread; with several the sum of what each had at most, which is an upper bound.
        public var inFlightMax = 0
        public var bytesOut: UInt64 = 0
        public var bytesIn: UInt64 = 0
        /// True when a signal ended the run early.
        public var wasInterrupted = false
        /// True when `--abort-on-fail` ended it.
        public var wasAborted = false

        public init() {}
    }

    /// A distribution of times in microseconds.
    public struct Latency: Codable, Equatable, Sendable {
        public struct Percentile: Codable, Equatable, Sendable {
            /// 0 to 100.
            public var percentile: Double
            public var microseconds: Double

            public init(percentile: Double, microseconds: Double) {
                self.percentile = percentile
                self.microseconds = microseconds
            }
        }

        /// Times that the histogram does not tell apart.
        public struct Bucket: Codable, Equatable, Sendable {
            /// The highest of them.
            public var microseconds: Double
            public var count: UInt64

            public init(microseconds: Double, count: UInt64) {
                self.microseconds = microseconds
                self.count = count
            }
        }

        /// Samples; 0 makes every other number 0.
        public var count: UInt64 = 0
        public var mean = 0.0
        public var standardDeviation = 0.0
        public var min = 0.0
        public var max = 0.0
        /// 50, 75, 90, 95, 99, 99.9, 99.99, 99.999.
        public var percentiles: [Percentile] = []
        /// Ascending.
        public var buckets: [Bucket] = []

        public init() {}
    }

    /// The generator's account of itself: whether it was able to offer what it was asked for.
    public struct Generator: Codable, Equatable, Sendable {
        public var userMicroseconds: UInt64 = 0
        public var systemMicroseconds: UInt64 = 0
        /// Processor time of its busiest thread over elapsed time, 0 to 1.
        public var processorShareMax = 0.0
        /// Time in which a thread of it was ready to run and had no processor, over elapsed time, of the one that waited
        /// most, 0 to 1; nil in reports from before it was measured.
        public var processorWaitShareMax: Double?
        public var microsecondsPerRequest = 0.0
        /// Sentences that say what of the run the generator, not the server, has limited; empty when nothing.
        public var bottlenecks: [String] = []
        /// Sentences that say what else has to be known to read the numbers right.
        public var notes: [String] = []

        public init() {}
    }

    public struct StatusCount: Codable, Equatable, Sendable {
        public var status: Int
        /// The code of an error's body; nil for 200, "?" when the body named none that belongs to the status.
        public var code: String?
        public var count: UInt64
        public var isExpected: Bool

        public init(status: Int, code: String?, count: UInt64, isExpected: Bool) {
            self.status = status
            self.code = code
            self.count = count
            self.isExpected = isExpected
        }
    }

    public struct LossCount: Codable, Equatable, Sendable {
        public var reason: String
        public var count: UInt64

        public init(reason: String, count: UInt64) {
            self.reason = reason
            self.count = count
        }
    }

    /// What happened in one stretch of the run, a second of it unless the run was long.
    public struct Interval: Codable, Equatable, Sendable {
        /// Of its start, from the first request due; negative in the warm-up.
        public var offsetSeconds = 0.0
        public var lengthSeconds = 1.0
        public var due: UInt64 = 0
        public var sent: UInt64 = 0
        public var answers: UInt64 = 0
        public var errors: UInt64 = 0
        /// At its end.
        public var inFlight = 0
        /// Of the answers that came in it; zeros when none did.
        public var p50 = 0.0
        public var p99 = 0.0
        public var p999 = 0.0
        public var max = 0.0
        public var lagMax = 0.0

        public init() {}
    }

    public struct ThresholdResult: Codable, Equatable, Sendable {
        /// As it was given: `p99<2ms`.
        public var expression: String
        /// In the unit of the expression's metric: microseconds, a share from 0 to 1, answers a second, or a count. Nil
        /// when nothing of the kind was measured, which holds no threshold.
        public var measured: Double?
        public var passed: Bool

        public init(expression: String, measured: Double?, passed: Bool) {
            self.expression = expression
            self.measured = measured
            self.passed = passed
        }
    }

    public enum Verdict: String, Codable, Sendable {
        /// Every answer was valid and expected, and every threshold holds.
        case passed
        /// An answer was not what the workload expects, or a connection was lost; no threshold covers it.
        case failed
        /// A threshold was missed.
        case missed
        /// The generator was the bottleneck: what was measured says nothing about the server.
        case unusable
    }
}
