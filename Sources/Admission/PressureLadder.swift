/// How hard pressed the process is, as five rungs that it climbs at once and descends one at a time.
///
/// A pure value; one thread feeds it a sample every 100 ms and publishes what it says.
public struct PressureLadder: Sendable {
    /// From the lowest. Each does all that those below it do.
    public enum Rung: Int, CaseIterable, Comparable, Sendable {
        case normal
        /// Still serving everything; `/readyz` says so, so that a balancer sends less.
        case degraded
        /// Requests of low priority are refused.
        case shedLowPriority
        /// New connections are refused.
        case shedConnections
        /// All that is not critical is refused.
        case refuse

        public static func < (left: Rung, right: Rung) -> Bool { left.rawValue < right.rawValue }

        /// As logs, metrics and reports have it.
        public var name: String {
            switch self {
            case .normal: "normal"
            case .degraded: "degraded"
            case .shedLowPriority: "shed_low_priority"
            case .shedConnections: "shed_connections"
            case .refuse: "refuse"
            }
        }
    }

    /// What presses.
    public enum Input: Int, CaseIterable, Sendable {
        case loopBusy
        case loopLag
        case memory
        case openRequests
        case descriptors
        case backendLatency

        /// As logs, metrics and reports have it.
        public var name: String {
            switch self {
            case .loopBusy: "loop_busy"
            case .loopLag: "loop_lag"
            case .memory: "memory"
            case .openRequests: "open_requests"
            case .descriptors: "descriptors"
            case .backendLatency: "backend_latency"
            }
        }
    }

    /// The rung in force.
    public private(set) var rung = Rung.normal
    /// What holds it there: the input that asks for the highest rung, the first in their order where several do. What asked
    /// last when all have become calm. Nil exactly when the rung is normal.
    public private(set) var reason: Input?
    public let thresholds: PressureThresholds
    /// By input: the rung that it asks for, with its own hysteresis.
    private var asked = InlineArray<6, Rung>(repeating: .normal)
    /// Since when all inputs have asked for less than the rung in force, or since the last step down; nil while one asks
    /// for it.
    private var calmSinceNanoseconds: UInt64?

    public init(thresholds: PressureThresholds = PressureThresholds()) { self.thresholds = thresholds }

    /// The rung that an input asks for by itself.
    public func rung(for input: Input) -> Rung { self.asked[input.rawValue] }

    /// Takes a sample: up at once as far as the worst input asks, down one rung after each `calmNanoseconds` in which no
    /// input asked for the rung in force.
    ///
    /// - Returns: the step that was made; nil when there was none.
    public mutating func take(_ sample: PressureSample, nowNanoseconds now: UInt64) -> Step? {
        var worst = Rung.normal
        var worstInput: Input?
        for input in Input.allCases {
            let asked = self.thresholds.rung(
                for: sample.level(of: input), of: input, held: self.asked[input.rawValue])
            self.asked[input.rawValue] = asked
            if asked > worst { (worst, worstInput) = (asked, input) }
        }
        let before = self.rung
        guard worst < before else {
            self.calmSinceNanoseconds = nil
            self.rung = worst
            self.reason = worstInput
            return worst == before ? nil : Step(from: before, to: worst, reason: worstInput)
        }
        guard let since = self.calmSinceNanoseconds, now >= since else {
            self.calmSinceNanoseconds = now
            return nil
        }
        guard now - since >= self.thresholds.calmNanoseconds else { return nil }
        self.calmSinceNanoseconds = now
        self.rung = Rung(rawValue: before.rawValue - 1) ?? .normal
        if self.rung == worst { self.reason = worstInput }
        return Step(from: before, to: self.rung, reason: self.reason)
    }

    public struct Step: Equatable, Sendable {
        public let from: Rung
        public let to: Rung
        /// What asked for it; nil on the way back to normal.
        public let reason: Input?

        public init(from: Rung, to: Rung, reason: Input?) {
            self.from = from
            self.to = to
            self.reason = reason
        }
    }
}

/// What the process knows of itself, every 100 ms.
public struct PressureSample: Equatable, Sendable {
    /// Part of the time that the busiest worker's loop spent in handlers and not asleep, 0 to 1.
    public var loopBusyShare: Double
    /// The longest turn of any worker's loop since the last sample: by so much was somebody late.
    public var loopLagNanoseconds: UInt64
    public var memoryUsedBytes: UInt64
    /// 0 where there is none.
    public var memoryCeilingBytes: UInt64
    /// Most open at once since the last sample, and the limit in force.
    public var openPeak: Int
    public var openMax: Int
    public var descriptorsUsed: Int
    /// 0 where it is not known.
    public var descriptorsMax: Int
    /// Slow answers of the backend (their p99, or their mean where that is all there is); 0 without answers.
    public var backendLatencyNanoseconds: UInt64
    /// What a request has until its deadline; 0 where there is none.
    public var deadlineNanoseconds: UInt64

    /// A process at rest.
    public init() {
        self.loopBusyShare = 0
        self.loopLagNanoseconds = 0
        self.memoryUsedBytes = 0
        self.memoryCeilingBytes = 0
        self.openPeak = 0
        self.openMax = 1
        self.descriptorsUsed = 0
        self.descriptorsMax = 0
        self.backendLatencyNanoseconds = 0
        self.deadlineNanoseconds = 0
    }

    /// An input as its thresholds count it: parts of what there is, and the lag in nanoseconds. 0 where what there is is not
    /// known.
    func level(of input: PressureLadder.Input) -> Double {
        func share(_ used: Double, of all: Double) -> Double { all > 0 ? used / all : 0 }
        return switch input {
        case .loopBusy: self.loopBusyShare
        case .loopLag: Double(self.loopLagNanoseconds)
        case .memory: share(Double(self.memoryUsedBytes), of: Double(self.memoryCeilingBytes))
        case .openRequests: share(Double(self.openPeak), of: Double(self.openMax))
        case .descriptors: share(Double(self.descriptorsUsed), of: Double(self.descriptorsMax))
        case .backendLatency: share(Double(self.backendLatencyNanoseconds), of: Double(self.deadlineNanoseconds))
        }
    }
}
